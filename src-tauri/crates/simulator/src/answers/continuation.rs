//! Going on with a cut answer instead of beginning again.

use super::{Role, Turn};
use crate::words;

/// The rest of a cut answer, when the conversation asks for it: its last message is the assistant's, or a person's
/// short "continue". `compose` gives the whole answer to the conversation before.
pub(crate) fn of(turns: &[Turn], compose: impl Fn(&[Turn]) -> String) -> Option<String> {
    let (last, before) = turns.split_last()?;
    let (partial, earlier) = match last.role {
        Role::Assistant => (last, before),
        Role::User if asks_to_go_on(&last.text) => {
            let (partial, earlier) = before.split_last().filter(|(turn, _)| turn.role == Role::Assistant)?;
            (partial, earlier)
        }
        _ => return None,
    };
    let whole = compose(earlier);
    match whole.strip_prefix(partial.text.as_str()).or_else(|| whole.strip_prefix(partial.text.trim_end())) {
        Some("") => Some(closing(&partial.text)),
        Some(rest) => Some(rest.to_owned()),
        None => Some(closing(&partial.text)),
    }
}

fn asks_to_go_on(text: &str) -> bool {
    let text = text.trim().to_lowercase();
    let begins = ["continue", "go on", "carry on", "please continue", "继续", "请继续", "接着"];
    text.chars().count() < 240 && begins.iter().any(|word| text.starts_with(word))
}

fn closing(partial: &str) -> String {
    if words::is_chinese(partial) {
        "\n\n（模拟的续写：上面的回答到此结束。）".to_owned()
    } else {
        "\n\n(The simulation goes on here: the answer above was complete.)".to_owned()
    }
}
