//! What is printed: lines for people, lines of JSON for programs, and complaints on standard error.

use crate::sentences;
use domain::{Fault, FaultCode};
use serde::Serialize;
use std::io::Write;

/// Prints one JSON object as a line of its own.
pub fn line(value: &impl Serialize) -> Result<(), Fault> {
    let text = serde_json::to_string(value)
        .map_err(|error| Fault::new(FaultCode::Internal).with_detail(error.to_string()))?;
    print(&format!("{text}\n"))
}

/// Prints text as it is and shows it at once. A reader that went away ends the program quietly.
pub fn print(text: &str) -> Result<(), Fault> {
    let mut output = std::io::stdout().lock();
    let written = output.write_all(text.as_bytes()).and_then(|()| output.flush());
    written.map_err(|error| Fault::new(FaultCode::Stopped).with_detail(error.to_string()))
}

/// Tells a person on standard error what went wrong and what to do.
pub fn complain(fault: &Fault) {
    let (sentence, hint) = sentences::of(fault);
    let detail = fault.detail.as_deref().map(|detail| format!(" ({detail})")).unwrap_or_default();
    let text = format!("edgewise-cli: {sentence}{detail}\n  {hint}\n");
    // Nobody can be told when standard error is closed.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// A line of text for the person at the terminal, on standard error.
pub fn note(text: &str) {
    // Nobody can be told when standard error is closed.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Makes a name of the service or a title safe for a terminal: control characters become `·`.
pub fn plain(text: &str) -> String {
    text.chars()
        .map(
            |character| {
                if character.is_control() && character != '\n' && character != '\t' {
                    '·'
                } else {
                    character
                }
            },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_title_cannot_steer_the_terminal() {
        assert_eq!(plain("a\u{1b}[31mred\u{7}"), "a·[31mred·");
        assert_eq!(plain("二\n行"), "二\n行");
    }
}
