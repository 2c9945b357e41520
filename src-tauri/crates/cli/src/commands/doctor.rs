//! `doctor`: checks what Edgewise stands on, one line each.

use crate::arguments::Doctor;
use crate::{output, sentences};
use domain::Fault;
use engine::Engine;
use serde::Serialize;

#[derive(Serialize)]
struct Line {
    check: &'static str,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// Prints every check; fails when one of them did.
pub async fn doctor(engine: &Engine, options: Doctor) -> Result<(), Fault> {
    let mut failed: Vec<Fault> = Vec::new();
    for finding in engine.app().examine().await {
        let line = match finding.outcome {
            Ok(detail) => Line { check: finding.check, ok: true, detail: Some(detail), hint: None },
            Err(fault) => {
                let (sentence, hint) = sentences::of(&fault);
                let detail = fault.detail.as_ref().map(|detail| format!("{sentence} ({detail})"));
                let detail = detail.unwrap_or(sentence);
                failed.push(fault);
                Line { check: finding.check, ok: false, detail: Some(detail), hint: Some(hint) }
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
