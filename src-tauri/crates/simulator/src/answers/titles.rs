//! Short texts on request: titles of conversations, and questions rewritten for a search.

use super::passages::{in_text, question_of};
use super::{Role, Turn, last_user};
use crate::words;

/// A title or a search query, when the system prompt asks for one and hands over no passages.
pub(crate) fn requested(turns: &[Turn]) -> Option<String> {
    let orders: Vec<&Turn> = turns.iter().filter(|turn| turn.role == Role::System).collect();
    let order: String = orders.iter().map(|turn| turn.text.to_lowercase() + "\n").collect();
    if order.chars().count() > 2000 || orders.iter().any(|turn| !in_text(&turn.text).is_empty()) {
        return None;
    }
    if order.contains("search query") || order.contains("standalone question") || order.contains("检索") {
        return Some(question_of(&material(last_user(turns))));
    }
    (order.contains("title") || order.contains("标题")).then(|| title(&material(last_user(turns))))
}

/// The conversation inside the request, without labels and without the request itself.
fn material(text: &str) -> String {
    let is_order = |line: &str| {
        let line = line.trim().to_lowercase();
        let verbs = ["write", "give", "generate", "create", "suggest", "写", "请", "为", "生成"];
        (line.contains("title") || line.contains("标题")) && verbs.iter().any(|verb| line.starts_with(verb))
    };
    let label = |line: &str| {
        let bare = line.trim_start_matches(['>', '*', '#', '-', ' ']);
        let labels = ["user:", "human:", "you:", "question:", "conversation:", "用户：", "用户:", "问题："];
        let found = labels.iter().find(|label| bare.to_lowercase().starts_with(**label));
        found.map_or(bare, |label| bare.get(label.len()..).unwrap_or_default()).trim().to_owned()
    };
    let lines: Vec<String> = text.lines().filter(|line| !is_order(line)).map(label).collect();
    let joined = lines.join("\n").trim().to_owned();
    if joined.is_empty() { text.to_owned() } else { joined }
}

/// At most six words, or twelve Chinese characters, of the first sentence.
fn title(text: &str) -> String {
    let first = words::sentences(text).into_iter().next().unwrap_or(text);
    if words::is_chinese(first) {
        let clause: String = first.chars().take_while(|c| !"，。！？；：,!?".contains(*c)).take(12).collect();
        return if clause.is_empty() { "新对话".to_owned() } else { clause };
    }
    let bare = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
    let mut kept: Vec<String> = first.split_whitespace().map(bare).filter(|word| !word.is_empty()).collect();
    // Leading question words say nothing in a list of titles.
    while kept.len() > 3 && kept.first().is_some_and(|word| words::is_stop_word(&word.to_lowercase())) {
        kept.remove(0);
    }
    kept.truncate(6);
    let joined = kept.join(" ");
    let mut chars = joined.chars();
    chars.next().map_or_else(|| "New chat".to_owned(), |c| c.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_short_and_from_the_words() {
        assert_eq!(
            title("What is the difference between TCP and UDP? Please explain."),
            "Difference between TCP and UDP"
        );
        assert_eq!(title("请告诉我怎样做一碗好吃的面条，谢谢"), "请告诉我怎样做一碗好吃的");
        assert_eq!(title(""), "New chat");
    }

    #[test]
    fn labels_and_orders_are_not_part_of_a_title() {
        let text =
            "Conversation:\nUser: Bake a rye bread\nAssistant: Sure.\n\nWrite a title of at most six words.";
        assert_eq!(title(&material(text)), "Bake a rye bread");
    }
}
