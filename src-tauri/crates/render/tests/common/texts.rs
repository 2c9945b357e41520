//! Texts made for tests and benchmarks: a long answer as models write them, its tokens, and texts made to be slow.

/// Ordinary answers, from the snapshots.
const ANSWERS: [&str; 4] = [
    include_str!("../answers/english.md"),
    include_str!("../answers/chinese.md"),
    include_str!("../answers/maths.md"),
    include_str!("../answers/prose.md"),
];

/// An answer of about `length` bytes: the ordinary ones, again and again.
pub fn answer(length: usize) -> String {
    let mut text = String::new();
    for part in ANSWERS.iter().cycle() {
        text.push_str(part);
        text.push('\n');
        if text.len() >= length {
            break;
        }
    }
    text
}

/// The text in pieces as a model sends them: a word with the space before it (long ones cut), a mark, a Chinese
/// character. On average a little shorter than real tokens.
pub fn tokens(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut previous = ' ';
    for (at, c) in text.char_indices() {
        let same_word = c.is_ascii_alphanumeric() && (previous.is_ascii_alphanumeric() || previous == ' ');
        let same_mark = c == previous && !c.is_alphanumeric();
        let long = at - start >= 9;
        if at > start && ((!same_word && !same_mark) || long) {
            parts.push(&text[start..at]);
            start = at;
        }
        previous = c;
    }
    parts.push(&text[start..]);
    parts
}

/// A way to make a text from a number of repetitions.
pub type Make = fn(usize) -> String;

/// Sixteen families of texts on which Markdown readers have been slow, by what is repeated.
pub fn pathological() -> [(&'static str, Make); 16] {
    [
        ("nested strong emphasis", |n| format!("{}b{}", "*a **a ".repeat(n / 14), " a** a*".repeat(n / 14))),
        ("emphasis closers without openers", |n| "a_ ".repeat(n / 3)),
        ("emphasis openers without closers", |n| "_a ".repeat(n / 3)),
        ("link closers without openers", |n| "a]".repeat(n / 2)),
        ("link openers without closers", |n| "[a".repeat(n / 2)),
        ("mismatched openers and closers", |n| "*a_ ".repeat(n / 4)),
        ("a link opener and emphasis", |n| format!("[ (]({}", "*a ".repeat(n / 3))),
        ("nested brackets", |n| format!("{}a{}", "[".repeat(n / 2), "]".repeat(n / 2))),
        ("nested quotes", |n| format!("{}a", "> ".repeat(n / 2))),
        ("deep lists", |n| {
            (0..n)
                .map(|at| format!("{}* a\n", " ".repeat(at)))
                .scan(0, |sum, line| {
                    *sum += line.len();
                    (*sum <= n).then_some(line)
                })
                .collect()
        }),
        ("backticks of growing length", |n| {
            (1..)
                .map(|at| format!("e{}", "`".repeat(at)))
                .scan(0, |sum, run| {
                    *sum += run.len();
                    (*sum <= n).then_some(run)
                })
                .collect()
        }),
        ("unclosed raw HTML", |n| "<!--".repeat(n / 4)),
        ("unclosed processing instructions", |n| "a <?".repeat(n / 4)),
        ("table rows", |n| format!("|a|b|\n|-|-|\n{}", "|x|y|\n".repeat(n / 6))),
        ("references to nothing", |n| "[a][b] ".repeat(n / 7)),
        ("dollars", |n| "$a $$b ".repeat(n / 7)),
    ]
}
