//! Titles: what is asked of a cheap model, and what is made of its words.
//!
//! The work itself is quiet (`chat/title.rs`): it blocks nothing, costs little, can be switched off, and never
//! overwrites a name that the person gave.

/// The longest title in characters; the sidebar shows about half of it.
const LONGEST: usize = 60;
/// As much of the question and of the answer as a title needs.
const EXCERPT: usize = 1_200;

/// The instruction for the model.
pub(crate) const INSTRUCTION: &str = "Write a title of two to six words for the conversation below, in the \
    language of the question. Answer with the title alone: no quotation marks, no full stop, no explanation.";

/// The conversation as the model gets it.
pub(crate) fn excerpt(question: &str, answer: &str) -> String {
    format!("Question:\n{}\n\nAnswer:\n{}", cut(question, EXCERPT), cut(answer, EXCERPT))
}

/// The title in a model's words; `None` when there is nothing usable in them.
pub(crate) fn cleaned(words: &str) -> Option<String> {
    let line = words.lines().map(str::trim).find(|line| line.chars().any(char::is_alphanumeric))?;
    let line = line.trim_start_matches(['#', '*', '-', '>', ' ']);
    let line = ["Title:", "title:", "TITLE:", "标题：", "标题:"]
        .iter()
        .find_map(|label| line.strip_prefix(label))
        .unwrap_or(line);
    let quotes = ['"', '\'', '“', '”', '‘', '’', '「', '」', '《', '》', '*', '`', '_', ' '];
    let title = line.trim_matches(quotes).trim_end_matches(['.', '。']).trim_matches(quotes);
    // A model that explains instead of naming has written a sentence.
    (!title.is_empty() && title.chars().count() <= 2 * LONGEST).then(|| cut(title, LONGEST))
}

/// A title from the question itself, when no model makes one: its first line, cut at a word.
pub(crate) fn from_question(question: &str) -> Option<String> {
    let line = question.lines().map(str::trim).find(|line| line.chars().any(char::is_alphanumeric))?;
    let line = line.trim_start_matches(['#', '>', '*', '-', ' ']);
    Some(cut(line, LONGEST))
}

/// At most `most` characters of `text`, cut between words where there are spaces, with an ellipsis when cut.
fn cut(text: &str, most: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(most) else { return text.to_owned() };
    let head = &text[..end];
    let between_words = head.rfind(char::is_whitespace).filter(|&space| space > end / 2);
    format!("{}…", head[..between_words.unwrap_or(end)].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &str, title: Option<&str>) {
        assert_eq!(cleaned(words).as_deref(), title, "from {words:?}");
    }

    #[test]
    fn a_models_words_become_a_title() {
        check("Prime numbers above ninety", Some("Prime numbers above ninety"));
        check("\n\n**\"Prime numbers\"**\n", Some("Prime numbers"));
        check("Title: Prime numbers.", Some("Prime numbers"));
        check("标题：《素数》。", Some("素数"));
        check("# Primes", Some("Primes"));
        check("  \n---\n", None);
        check("", None);
    }

    #[test]
    fn an_explanation_is_no_title() {
        check(&"Here is a long explanation of why I chose it ".repeat(4), None);
    }

    #[test]
    fn a_long_question_is_cut_between_words() {
        let title = from_question(&"several words ".repeat(20)).unwrap();
        assert!(title.chars().count() <= LONGEST + 1, "{title}");
        assert!(title.ends_with("words…") || title.ends_with("several…"), "{title}");
        assert_eq!(from_question("\n## 你好，世界").as_deref(), Some("你好，世界"));
        assert_eq!(from_question("???"), None);
    }
}
