//! Words for the keyword index. Scripts with spaces have words; of the others each character and each pair of neighbours
//! stands for one, so that 数据分析 is found by 数据 and by 分析 without a dictionary.

use std::collections::HashSet;

/// Words of a query beyond these find nothing more.
const MOST_WORDS: usize = 48;

/// So common in English that they only cost time, unless nothing else is asked for.
const COMMON: &[&str] = &[
    "a", "an", "and", "are", "as", "at", "be", "by", "did", "do", "does", "for", "from", "had", "has",
    "have", "how", "in", "is", "it", "its", "of", "on", "or", "that", "the", "their", "there", "this", "to",
    "was", "were", "what", "when", "where", "which", "who", "whom", "why", "will", "with",
];

/// A run of letters: a word, or a piece of a text without spaces.
enum Run {
    Word(String),
    Ideographs(Vec<char>),
}

/// A text as the index takes it: words between spaces.
pub(super) fn indexed(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut add = |word: &str| {
        out.push_str(word);
        out.push(' ');
    };
    for run in runs(text) {
        match run {
            Run::Word(word) => add(&word),
            Run::Ideographs(characters) => {
                for character in &characters {
                    add(character.encode_utf8(&mut [0; 4]));
                }
                for pair in characters.windows(2) {
                    add(&pair.iter().collect::<String>());
                }
            }
        }
    }
    out
}

/// The expression that finds passages with any of a query's words; empty when it has none.
pub(super) fn expression(query: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for run in runs(query) {
        match run {
            Run::Word(word) => words.push(word.to_lowercase()),
            Run::Ideographs(characters) if characters.len() == 1 => {
                words.extend(characters.iter().map(char::to_string))
            }
            Run::Ideographs(characters) => {
                words.extend(characters.windows(2).map(|pair| pair.iter().collect::<String>()));
            }
        }
    }
    if words.iter().any(|word| !COMMON.contains(&word.as_str())) {
        words.retain(|word| !COMMON.contains(&word.as_str()));
    }
    let mut seen = HashSet::new();
    words.retain(|word| seen.insert(word.clone()));
    words.truncate(MOST_WORDS);
    // Words are letters and digits alone, so that none can close its quotes.
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" OR ")
}

fn runs(text: &str) -> Vec<Run> {
    let mut found = Vec::new();
    let mut word = String::new();
    let mut ideographs = Vec::new();
    for character in text.chars().chain(std::iter::once(' ')) {
        let ideograph = crate::search::is_ideograph(character);
        if !word.is_empty() && (ideograph || !is_of_word(character)) {
            found.push(Run::Word(std::mem::take(&mut word)));
        }
        if !ideographs.is_empty() && !ideograph {
            found.push(Run::Ideographs(std::mem::take(&mut ideographs)));
        }
        if ideograph {
            ideographs.push(character);
        } else if is_of_word(character) {
            word.push(character);
        }
    }
    found
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_without_spaces_are_indexed_by_character_and_pair() {
        assert_eq!(indexed("用Python做数据"), "用 Python 做 数 据 做数 数据 ");
    }

    #[test]
    fn a_query_leaves_out_what_every_text_holds() {
        assert_eq!(expression("What is the capital of France?"), "\"capital\" OR \"france\"");
        assert_eq!(expression("to be or"), "\"to\" OR \"be\" OR \"or\"", "unless nothing else is asked for");
        assert_eq!(expression("数据分析"), "\"数据\" OR \"据分\" OR \"分析\"");
        assert_eq!(expression("\"; DROP --"), "\"drop\"", "no query can leave its quotes");
        assert_eq!(expression("?!"), "");
    }
}
