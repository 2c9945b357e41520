//! `chat`: streams an answer. People get its Markdown as the model writes it; programs get one JSON object per line.
//!
//! The text comes from the stored message rather than from the window's rendered blocks: events only say that there is
//! more.

use crate::arguments::Chat;
use crate::output;
use domain::{
    ConversationId, ConversationOptions, Fault, FaultCode, Finish, ModelId, RunEvent, RunStep, SendRequest,
    Usage,
};
use engine::Engine;
use serde::Serialize;
use std::io::Read;
use tokio::sync::mpsc;

/// A line of `chat --json`. The names are contracts.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line<'a> {
    Started {
        conversation: &'a str,
        message: &'a str,
    },
    Sources {
        sources: Vec<SourceLine<'a>>,
    },
    Dropped {
        parameters: &'a [String],
    },
    Thinking {
        text: &'a str,
    },
    Delta {
        text: &'a str,
    },
    Usage {
        input_tokens: Option<u32>,
        output_tokens: Option<u32>,
        cached_tokens: Option<u32>,
        neurons: Option<f64>,
        estimated: bool,
    },
    Done {
        finish: Finish,
    },
    Error {
        code: domain::FaultCode,
        message: String,
        hint: String,
        retry_after_ms: Option<u64>,
    },
}

#[derive(Serialize)]
struct SourceLine<'a> {
    n: u32,
    document: &'a str,
    page: Option<u32>,
    passage: &'a str,
    score: f64,
    distance: Option<f64>,
    text: &'a str,
    document_id: &'a str,
}

/// Sends the prompt and prints the answer as it comes.
pub async fn chat(engine: &Engine, options: Chat) -> Result<(), Fault> {
    let text = if options.prompt == "-" { read_standard_input()? } else { options.prompt.clone() };
    let mut collections = Vec::new();
    for name in &options.collection {
        collections.push(super::collection_id(engine, name).await?);
    }
    let request = SendRequest {
        conversation: options.conversation.as_deref().map(ConversationId::from),
        text,
        options: Some(ConversationOptions {
            model: options.model.as_deref().map(ModelId::from),
            system: options.system.clone(),
            collections,
            ..ConversationOptions::default()
        }),
        ..SendRequest::default()
    };
    if let (Some(conversation), Some(given)) = (&request.conversation, &request.options)
        && (given.model.is_some() || given.system.is_some() || !given.collections.is_empty())
    {
        let mut stored = engine.history().transcript(conversation.clone()).await?.options;
        stored.model = given.model.clone().or(stored.model);
        stored.system = given.system.clone().or(stored.system);
        for collection in &given.collections {
            if !stored.collections.contains(collection) {
                stored.collections.push(collection.clone());
            }
        }
        engine.history().set_conversation_options(conversation.clone(), stored).await?;
    }

    let (events, mut inbox) = mpsc::unbounded_channel::<RunEvent>();
    let (words, mut text) = mpsc::unbounded_channel::<engine::Words>();
    let started = engine.chat().send_and_tell(request, events, words).await?;
    let printer = Printer { json: options.json, thinking: false };
    printer.started(&started)?;
    let mut printer = printer;
    let mut words_open = true;
    loop {
        tokio::select! {
            biased;
            said = text.recv(), if words_open => match said {
                Some(engine::Words::Text(text)) => printer.delta(&text)?,
                Some(engine::Words::Thinking(text)) => printer.thinking(&text)?,
                None => words_open = false,
            },
            event = inbox.recv() => match event {
                Some(event) => {
                    if printer.event(event.what)? {
                        return Ok(());
                    }
                }
                None => return Err(Fault::new(FaultCode::Internal).with_detail("the run ended without a word")),
            },
            _ = tokio::signal::ctrl_c() => engine.chat().stop_run(&started.run).await?,
        }
    }
}

fn read_standard_input() -> Result<String, Fault> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .read_to_end(&mut bytes)
        .map_err(|error| Fault::new(FaultCode::FileUnreadable).with_detail(error.to_string()))?;
    String::from_utf8(bytes)
        .map_err(|_| Fault::new(FaultCode::InvalidInput).with_detail("standard input is not UTF-8 text"))
}

/// Prints events for people or for programs.
struct Printer {
    json: bool,
    thinking: bool,
}

impl Printer {
    fn started(&self, started: &domain::Started) -> Result<(), Fault> {
        if self.json {
            let message = started.answer.message.id.as_str();
            output::line(&Line::Started { conversation: started.conversation.id.as_str(), message })?;
        }
        Ok(())
    }

    fn thinking(&mut self, text: &str) -> Result<(), Fault> {
        if self.json {
            output::line(&Line::Thinking { text })?;
        } else if !self.thinking {
            output::note("(thinking)");
            self.thinking = true;
        }
        Ok(())
    }

    fn delta(&self, text: &str) -> Result<(), Fault> {
        if self.json { output::line(&Line::Delta { text }) } else { output::print(&output::plain(text)) }
    }

    /// Prints an event; `true` when it was the last.
    fn event(&self, step: RunStep) -> Result<bool, Fault> {
        match step {
            RunStep::Sources { sources, .. } => self.sources(&sources)?,
            RunStep::Dropped { parameters } if self.json => {
                output::line(&Line::Dropped { parameters: &parameters })?;
            }
            RunStep::Dropped { parameters } => {
                output::note(&format!("This model does not take: {}", parameters.join(", ")));
            }
            RunStep::Waiting { fault, attempt, delay_ms } if !self.json => {
                output::note(&format!(
                    "{} Try {attempt} in {:.1} s.",
                    crate::sentences::of(&fault).0,
                    delay_ms as f64 / 1_000.0
                ));
            }
            RunStep::Finished { view } => {
                let message = &view.message;
                self.end(message.usage.as_ref(), message.finish.unwrap_or(Finish::Stop))?;
                return Ok(true);
            }
            RunStep::Stopped { view } => {
                self.end(view.message.usage.as_ref(), Finish::Stopped)?;
                return Ok(true);
            }
            RunStep::Failed { fault, .. } => {
                if self.json {
                    let (message, hint) = crate::sentences::of(&fault);
                    output::line(&Line::Error {
                        code: fault.code,
                        message,
                        hint,
                        retry_after_ms: fault.retry_after_ms,
                    })?;
                }
                return Err(fault);
            }
            _ => {}
        }
        Ok(false)
    }

    fn sources(&self, sources: &[domain::SourceRef]) -> Result<(), Fault> {
        if !self.json {
            return Ok(());
        }
        let lines = sources.iter().map(|source| SourceLine {
            n: source.n,
            document: &source.title,
            document_id: &source.document,
            page: source.page,
            passage: &source.passage,
            score: source.score,
            distance: source.distance,
            text: &source.text,
        });
        output::line(&Line::Sources { sources: lines.collect() })
    }

    fn end(&self, usage: Option<&Usage>, finish: Finish) -> Result<(), Fault> {
        if !self.json {
            return output::print("\n");
        }
        if let Some(usage) = usage {
            output::line(&Line::Usage {
                input_tokens: usage.input_tokens,
                output_tokens: usage.output_tokens,
                cached_tokens: usage.cached_tokens,
                neurons: usage.neurons,
                estimated: usage.estimated,
            })?;
        }
        output::line(&Line::Done { finish })
    }
}
