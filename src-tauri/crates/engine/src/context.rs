//! What fits into a model's window: the system prompt, the passages and the question always; of the history as much
//! as there is room for, from its end. What does not fit is left out whole, oldest first, and counted.

use domain::{Model, Parameters, Role};

/// Tokens that are kept free for an answer whose length the person did not set, in a large window.
const ANSWER_TOKENS: u32 = 2_048;

/// What a picture is taken to cost. Models differ (some 600 to 1,600); none says beforehand.
pub(crate) const PICTURE_TOKENS: u32 = 1_000;

/// Tokens that the chat template puts around each message.
const TEMPLATE_TOKENS: u32 = 4;

/// A message of the history, as far as room is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Weight {
    /// Who speaks.
    pub(crate) role: Role,
    /// Its estimated tokens.
    pub(crate) tokens: u32,
}

impl Weight {
    /// The weight of a message with this text and so many pictures.
    pub(crate) fn of(role: Role, text: &str, pictures: usize) -> Self {
        let pictures = u32::try_from(pictures).unwrap_or(u32::MAX).saturating_mul(PICTURE_TOKENS);
        Self { role, tokens: tokens(text).saturating_add(pictures).saturating_add(TEMPLATE_TOKENS) }
    }
}

/// The estimated tokens of a text.
pub(crate) fn tokens(text: &str) -> u32 {
    workers_ai::estimate_tokens(text)
}

/// What of a history is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fit {
    /// How many messages at the start are left out.
    pub(crate) left_out: usize,
    /// The estimated tokens of the others.
    pub(crate) tokens: u32,
}

/// Tokens to keep free for the answer: what the person set, else a quarter of the window and at most 2,048.
pub(crate) fn answer_room(model: &Model, parameters: &Parameters) -> u32 {
    let quarter = model.context_window.map_or(ANSWER_TOKENS, |window| window / 4);
    parameters
        .max_tokens
        .unwrap_or_else(|| ANSWER_TOKENS.min(quarter).min(model.max_output.unwrap_or(u32::MAX)))
}

/// Chooses the end of `history` (oldest first, without the question) that fits `window` beside `fixed` tokens.
///
/// The first message that is kept is the person's: several models refuse a conversation that a model begins.
/// Without a known window everything is sent, and the service has the word.
pub(crate) fn fit(window: Option<u32>, fixed: u32, history: &[Weight]) -> Fit {
    let room = window.map_or(u32::MAX, |window| window.saturating_sub(fixed));
    let mut tokens: u32 = 0;
    let mut first = history.len();
    while first > 0 {
        let with = tokens.saturating_add(history[first - 1].tokens);
        if with > room {
            break;
        }
        tokens = with;
        first -= 1;
    }
    while first > 0 && first < history.len() && history[first].role == Role::Assistant {
        tokens -= history[first].tokens;
        first += 1;
    }
    Fit { left_out: first, tokens }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn talk(tokens: &[u32]) -> Vec<Weight> {
        let roles = [Role::User, Role::Assistant].into_iter().cycle();
        roles.zip(tokens).map(|(role, &tokens)| Weight { role, tokens }).collect()
    }

    #[test]
    fn a_history_that_fits_is_sent_whole() {
        assert_eq!(fit(Some(1_000), 100, &talk(&[300, 300, 300])), Fit { left_out: 0, tokens: 900 });
    }

    #[test]
    fn the_oldest_are_left_out_and_a_person_speaks_first() {
        let history = talk(&[300, 300, 300, 300]);
        assert_eq!(
            fit(Some(1_000), 99, &history),
            Fit { left_out: 2, tokens: 600 },
            "three would fit, but a model would begin"
        );
        assert_eq!(fit(Some(1_000), 400, &history), Fit { left_out: 2, tokens: 600 });
        assert_eq!(fit(Some(1_000), 401, &history), Fit { left_out: 4, tokens: 0 });
    }

    #[test]
    fn without_a_known_window_everything_is_sent() {
        assert_eq!(fit(None, 5_000, &talk(&[1_000_000, 1_000_000])).left_out, 0);
    }

    #[test]
    fn a_window_that_the_question_fills_leaves_no_history() {
        assert_eq!(fit(Some(100), 5_000, &talk(&[1, 1])), Fit { left_out: 2, tokens: 0 });
        assert_eq!(fit(Some(100), 5_000, &[]), Fit { left_out: 0, tokens: 0 });
    }
}
