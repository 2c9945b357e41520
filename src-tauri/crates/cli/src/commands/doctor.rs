//! `doctor`: checks what Edgewise stands on, one line each.

use crate::arguments::Doctor;
use crate::{output, sentences};
use domain::{Fault, FaultCode};
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
    let mut failed = 0;
    for finding in engine.app().examine().await {
        let line = match finding.outcome {
            Ok(detail) => Line { check: finding.check, ok: true, detail: Some(detail), hint: None },
            Err(fault) => {
                failed += 1;
                let (sentence, hint) = sentences::of(&fault);
                let detail = fault.detail.map_or(sentence.clone(), |detail| format!("{sentence} ({detail})"));
                Line { check: finding.check, ok: false, detail: Some(detail), hint: Some(hint) }
            }
        };
        if options.json { output::line(&line)? } else { output::print(&text(&line))? }
    }
    match failed {
        0 => Ok(()),
        count => Err(Fault::new(FaultCode::InvalidInput).with_detail(format!("{count} checks failed"))),
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
