//! Any model with any JSON, for the playground; and the one-time agreement to a licence.

use crate::client::{Call, Client, parse};
use crate::error::Error;
use crate::images::LARGEST_PICTURE;
use crate::wire::Payload;
use domain::{ModelId, Task};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// As long as the slowest kind of model may take.
const PATIENCE: Duration = Duration::from_secs(180);

/// A model's answer, as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct RunAnswer {
    /// The body.
    pub body: RunBody,
    /// The media type that it was sent under.
    pub media_type: String,
    /// What it cost, if the service said so.
    pub neurons: Option<f64>,
    /// From sending to the last byte.
    pub took: Duration,
}

/// The body of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum RunBody {
    /// JSON, envelope included.
    Json(Value),
    /// A stream's text, or another text.
    Text(String),
    /// Anything else.
    Bytes(Vec<u8>),
}

impl Client {
    /// Runs a model with an input of its own form, as it stands. Not repeated where it may cost twice.
    ///
    /// # Errors
    /// Everything of the wire.
    pub async fn run(&self, model: &ModelId, input: &Value) -> Result<RunAnswer, Error> {
        let started = Instant::now();
        let wire = self.model_request(&Self::run_path(model)?, Payload::json(input))?;
        let task = self.account.prices.with(model, |model| model.task).unwrap_or(Task::Other);
        let call = Call::new(self, wire, task).of(model).at_most(LARGEST_PICTURE).costly(PATIENCE);
        let (reply, body) = self.bytes(&call).await.map_err(|error| self.with_replacement(error, model))?;
        let media_type = reply.media_type();
        let body = if body.trim_ascii_start().first() == Some(&b'{') {
            RunBody::Json(parse(&reply, &body)?)
        } else if media_type.starts_with("text/") {
            RunBody::Text(String::from_utf8_lossy(&body).into_owned())
        } else {
            RunBody::Bytes(body)
        };
        Ok(RunAnswer { body, media_type, neurons: reply.neurons(), took: started.elapsed() })
    }

    /// Agrees to a model's licence for this account, once and for all. Call it only after the person said so: the licence
    /// of Llama 3.2 Vision excludes some people of the European Union.
    ///
    /// # Errors
    /// Everything of the wire. The service answers a *successful* agreement with HTTP 403 and thanks: that is none.
    pub async fn agree_to_licence(&self, model: &ModelId) -> Result<(), Error> {
        let wire =
            self.model_request(&Self::run_path(model)?, Payload::json(&json!({ "prompt": "agree" })))?;
        let call = Call::new(self, wire, Task::TextGeneration).of(model);
        match self.json(&call).await {
            Ok(_) => Ok(()),
            Err(error) => {
                let thanked = error.refusal().is_some_and(|refusal| {
                    let text = refusal.message.to_lowercase();
                    text.contains("thank you for agreeing") || text.contains("you may now use")
                });
                if thanked { Ok(()) } else { Err(error) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Why;
    use crate::testing::{self, Answer, Server};

    const VISION: &str = "@cf/meta/llama-3.2-11b-vision-instruct";

    fn refused(message: &str) -> Answer {
        Answer::new(403, &[], json!({ "errors": [{ "code": 5016, "message": message }] }).to_string())
    }

    #[tokio::test(start_paused = true)]
    async fn thanks_with_403_are_an_agreement() {
        let server = Server::answering(vec![refused(
            "AiError: Thank you for agreeing to the model terms. You may now use the model.",
        )]);
        let model = ModelId::from(VISION);
        assert_eq!(testing::client(&server).agree_to_licence(&model).await, Ok(()));
        assert_eq!(server.seen()[0].json(), json!({ "prompt": "agree" }));
        let server = Server::answering(vec![refused("AiError: User has not agreed to Llama3.2 model terms")]);
        let error = testing::client(&server).agree_to_licence(&model).await.unwrap_err();
        assert_eq!(error.why(), Some(Why::LicenceNeeded));
    }

    #[tokio::test(start_paused = true)]
    async fn any_model_runs_with_any_input() {
        let answer =
            json!({ "result": [{ "label": "POSITIVE", "score": 0.99 }], "success": true, "errors": [] });
        let server = Server::answering(vec![Answer::json(&answer)]);
        let model = ModelId::from("@cf/huggingface/distilbert-sst-2-int8");
        let found = testing::client(&server).run(&model, &json!({ "text": "I love it" })).await.unwrap();
        assert_eq!(found.body, RunBody::Json(answer));
        let server = Server::answering(vec![Answer::stream("data: [DONE]\n\n")]);
        let found = testing::client(&server).run(&model, &json!({})).await.unwrap();
        assert_eq!(found.body, RunBody::Text("data: [DONE]\n\n".into()));
    }
}
