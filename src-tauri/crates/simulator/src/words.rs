//! What two texts have in common: words without their endings, Chinese character pairs, and parts of words.
//! Embeddings, the reranker and the choice of a passage to quote all stand on the same terms, so that they
//! agree with each other.

use std::collections::BTreeMap;

use crate::random::hash;
use crate::tokens::is_cjk;

/// Words so common that sharing them says nothing.
const STOP_WORDS: &[&str] = &[
    "a", "about", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can", "did", "do",
    "does", "for", "from", "had", "has", "have", "how", "i", "if", "in", "into", "is", "it", "its", "me",
    "my", "no", "not", "of", "on", "or", "our", "say", "says", "so", "some", "such", "than", "that", "the",
    "their", "them", "then", "there", "these", "they", "this", "to", "was", "we", "were", "what", "when",
    "where", "which", "while", "who", "why", "will", "with", "would", "you", "your",
];

/// Chinese characters that carry grammar rather than meaning.
const STOP_CHARACTERS: &str = "的了是在和有就不也这那我你他她它们吗呢吧与及或个之为";

/// Lower-cased words of `text`; Chinese runs come as single characters.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    for c in text.chars() {
        if is_cjk(c) || !c.is_alphanumeric() {
            if !word.is_empty() {
                found.push(std::mem::take(&mut word));
            }
            if is_cjk(c) && c.is_alphanumeric() {
                found.push(c.to_string());
            }
        } else {
            word.extend(c.to_lowercase());
        }
    }
    if !word.is_empty() {
        found.push(word);
    }
    found
}

/// Words that mean something, each once, longest first: good for a title or a list of topics.
pub(crate) fn key_words(text: &str, most: usize) -> Vec<String> {
    let latin = words(text).into_iter().filter(|word| word.chars().count() > 2 && !is_stop_word(word));
    let mut found: Vec<String> = Vec::new();
    for word in han_terms(text).into_iter().chain(latin) {
        if !found.contains(&word) {
            found.push(word);
        }
    }
    found.sort_by_key(|word| std::cmp::Reverse(word.chars().count().min(9)));
    found.truncate(most);
    found
}

/// Two characters or more of Chinese between the words that every question has.
fn han_terms(text: &str) -> Vec<String> {
    const COMMON: &[&str] = &[
        "请",
        "解释",
        "介绍",
        "告诉",
        "帮我",
        "一下",
        "什么",
        "怎么",
        "怎样",
        "如何",
        "为什么",
        "可以",
        "一个",
        "用中文",
        "是否",
        "哪些",
        "有没有",
        "多少",
        "简单",
        "不同",
        "区别",
        "之间",
    ];
    let cut = COMMON.iter().fold(text.to_owned(), |text, word| text.replace(word, " "));
    let term = |c: char| matches!(c as u32, 0x4e00..=0x9fff) && !STOP_CHARACTERS.contains(c);
    let runs = cut.split(|c| !term(c)).filter(|run| run.chars().count() > 1);
    runs.map(|run| run.chars().take(6).collect()).collect()
}

pub(crate) fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.binary_search(&word).is_ok()
}

/// The terms of a text with their weights, by the term's hash.
pub(crate) fn terms(text: &str) -> BTreeMap<u64, f32> {
    let mut found: BTreeMap<u64, f32> = BTreeMap::new();
    let list = words(text);
    for (i, word) in list.iter().enumerate() {
        let first = word.chars().next().unwrap_or(' ');
        if is_cjk(first) {
            add_character(&mut found, word, list.get(i + 1));
        } else {
            add_word(&mut found, word);
        }
    }
    // Said ten times is not ten times as important.
    for weight in found.values_mut() {
        *weight = weight.ln_1p();
    }
    found
}

fn add_character(found: &mut BTreeMap<u64, f32>, character: &str, next: Option<&String>) {
    let plain = STOP_CHARACTERS.contains(character);
    add(found, character, if plain { 0.05 } else { 0.35 });
    if let Some(next) = next.filter(|n| n.chars().next().is_some_and(is_cjk)) {
        let grammar = plain || STOP_CHARACTERS.contains(next.as_str());
        add(found, &format!("{character}{next}"), if grammar { 0.2 } else { 1.2 });
    }
}

fn add_word(found: &mut BTreeMap<u64, f32>, word: &str) {
    if is_stop_word(word) {
        return add(found, word, 0.05);
    }
    let stem = stem(word);
    let letters: Vec<char> = stem.chars().collect();
    // Longer words are rarer: length stands for the corpus statistics that a server does not have.
    add(found, stem, 0.6 + 0.12 * letters.len().min(9) as f32);
    for part in letters.windows(4) {
        add(found, &format!("~{}", part.iter().collect::<String>()), 0.12);
    }
}

fn add(found: &mut BTreeMap<u64, f32>, term: &str, weight: f32) {
    *found.entry(hash(term.as_bytes())).or_insert(0.0) += weight;
}

/// The word without the commonest English endings: `programming` and `programs` meet at `program`.
fn stem(word: &str) -> &str {
    for ending in ["ming", "ning", "ings", "ing", "ies", "ers", "ed", "er", "es", "ly", "s", "e"] {
        if let Some(rest) = word.strip_suffix(ending)
            && rest.chars().count() >= 4
        {
            return rest;
        }
    }
    word
}

/// How much of `query`'s meaning is in `text`, 0 to 1: the share of the query's term weight that the text has.
pub(crate) fn coverage(query: &BTreeMap<u64, f32>, text: &BTreeMap<u64, f32>) -> f32 {
    let whole: f32 = query.values().sum();
    let shared: f32 =
        query.iter().filter(|(term, _)| text.contains_key(term)).map(|(_, weight)| weight).sum();
    if whole > 0.0 { shared / whole } else { 0.0 }
}

/// The sentences of a text, also those of Chinese and Japanese, without surrounding space.
pub(crate) fn sentences(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map_or(' ', |(_, next)| *next);
        let ends =
            matches!(c, '。' | '！' | '？' | '\n') || (matches!(c, '.' | '!' | '?') && next.is_whitespace());
        if ends {
            found.push(&text[start..at + c.len_utf8()]);
            start = at + c.len_utf8();
        }
    }
    found.push(&text[start..]);
    found.into_iter().map(str::trim).filter(|s| !s.is_empty()).collect()
}

/// Is this text Chinese, so that the answer should be too? Kana mean Japanese, which answers in English.
pub(crate) fn is_chinese(text: &str) -> bool {
    let han = text.chars().filter(|c| matches!(*c as u32, 0x4e00..=0x9fff)).count();
    let kana = text.chars().filter(|c| matches!(*c as u32, 0x3040..=0x30ff)).count();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    kana == 0 && han * 4 >= letters.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stop_words_are_sorted_for_the_search() {
        assert!(STOP_WORDS.is_sorted());
    }

    #[test]
    fn word_endings_do_not_hide_a_shared_word() {
        let query = terms("programming languages");
        assert!(coverage(&query, &terms("Python is a language for programs")) > 0.6);
        assert!(coverage(&query, &terms("A bakery in Lyon")) < 0.1);
    }

    #[test]
    fn key_words_are_found_in_two_scripts() {
        assert_eq!(key_words("用中文解释一下向量数据库和索引", 3), ["向量数据库", "索引"]);
        assert_eq!(key_words("What is the longest river?", 2), ["longest", "river"]);
    }

    #[test]
    fn sentences_end_in_two_scripts() {
        assert_eq!(sentences("One v1.5 thing. Two!\n三。四"), ["One v1.5 thing.", "Two!", "三。", "四"]);
    }
}
