//! `doctor`: checks what Edgewise stands on, one line each.

use crate::arguments::Doctor;
use crate::{output, sentences};
use domain::Fault;
use engine::{Engine, Finding};
use serde::Serialize;

#[derive(Serialize)]
struct Line {
    check: &'static str,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// Milliseconds until the service answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    took_ms: Option<u128>,
}

/// Prints every check; fails when one of them did.
pub async fn doctor(engine: &Engine, options: Doctor) -> Result<(), Fault> {
    let mut failed: Vec<Fault> = Vec::new();
    let app = engine.app();
    let findings = if options.offline { app.examine_here().await } else { app.examine().await };
    for Finding { check, outcome, took } in findings {
        let took_ms = took.map(|took| took.as_millis());
        let line = match outcome {
            Ok(detail) => Line { check, ok: true, detail: Some(detail), hint: None, took_ms },
            Err(fault) => {
                let (sentence, hint) = sentences::of(&fault);
                let detail = fault.detail.as_ref().map(|detail| format!("{sentence} ({detail})"));
                let detail = detail.unwrap_or(sentence);
                failed.push(fault);
                Line { check, ok: false, detail: Some(detail), hint: Some(hint), took_ms }
            }
        };
        if options.json { output::line(&line)? } else { output::print(&text(&line))? }
    }
    let count = failed.len();
    match failed.into_iter().next() {
        None => Ok(()),
        Some(first) => Err(first.with_detail(format!("checks that failed: {count}"))),
    }
}

fn text(line: &Line) -> String {
    let mark = if line.ok { "ok    " } else { "FAILED" };
    let mut text =
        format!("{mark}  {:<16} {}\n", line.check, output::plain(line.detail.as_deref().unwrap_or_default()));
    if let Some(hint) = &line.hint {
        text.push_str(&format!("        {hint}\n"));
    }
    text
}
