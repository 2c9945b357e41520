//! `usage`: neurons of today and of the last days.

use crate::arguments::Usage;
use crate::output;
use domain::{Fault, UsageLine};
use engine::Engine;
use serde::Serialize;

#[derive(Serialize)]
struct Line<'a> {
    by: &'static str,
    label: &'a str,
    neurons: f64,
    estimated: f64,
    input_tokens: u64,
    output_tokens: u64,
    calls: u32,
}

#[derive(Serialize)]
struct TodayLine {
    by: &'static str,
    neurons: f64,
    estimated: f64,
    allowance: f64,
    resets_at_ms: i64,
    simulated: bool,
}

/// Prints today's figure, then the days and the models.
pub async fn usage(engine: &Engine, options: Usage) -> Result<(), Fault> {
    let report = engine.usage().usage_report(options.days).await?;
    let today = &report.today;
    let groups = [("day", &report.by_day), ("model", &report.by_model), ("task", &report.by_task)];
    if options.json {
        output::line(&TodayLine {
            by: "today",
            neurons: today.neurons,
            estimated: today.estimated,
            allowance: today.allowance,
            resets_at_ms: today.resets_at.0,
            simulated: today.simulated,
        })?;
        for (by, lines) in groups {
            for each in lines {
                output::line(&json(by, each))?;
            }
        }
        return Ok(());
    }
    let share = 100.0 * today.neurons / today.allowance;
    let simulated = if today.simulated { " (simulation: nothing was spent)" } else { "" };
    output::print(&format!(
        "Today: {:.0} of {:.0} neurons, {share:.1} %{simulated}\n",
        today.neurons, today.allowance
    ))?;
    for (by, lines) in groups {
        output::print(&format!("\nBy {by}\n"))?;
        for each in lines {
            let about = if each.estimated > 0.0 { "≈" } else { " " };
            output::print(&format!(
                "  {:<58} {about}{:>10.1} neurons  {:>6} calls\n",
                output::plain(&each.label),
                each.neurons,
                each.calls
            ))?;
        }
    }
    Ok(())
}

fn json<'a>(by: &'static str, line: &'a UsageLine) -> Line<'a> {
    Line {
        by,
        label: &line.label,
        neurons: line.neurons,
        estimated: line.estimated,
        input_tokens: line.input_tokens,
        output_tokens: line.output_tokens,
        calls: line.calls,
    }
}
