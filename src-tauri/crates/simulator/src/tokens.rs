//! Text cut into the pieces that count as tokens and travel as stream chunks. It is nobody's real vocabulary:
//! words of up to six letters are one token, longer ones are cut every four, Chinese, Japanese and Korean
//! count by character, which comes within some 20 % of real counts on ordinary prose.

/// How many tokens `text` counts as.
pub(crate) fn count(text: &str) -> usize {
    let mut rest = text;
    let mut total = 0;
    while !rest.is_empty() {
        rest = &rest[piece_length(rest)..];
        total += 1;
    }
    total
}

/// The pieces of `text`, in order; joined they are `text` again.
pub(crate) fn pieces(text: &str) -> Vec<&str> {
    let mut rest = text;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(piece_length(rest));
        found.push(piece);
        rest = after;
    }
    found
}

/// Han, kana, hangul and the full-width forms, which real vocabularies hold about one to a token.
pub(crate) fn is_cjk(c: char) -> bool {
    matches!(c as u32, 0x2e80..=0x9fff | 0xac00..=0xd7af | 0xf900..=0xfaff | 0xff00..=0xffef | 0x20000..=0x3ffff)
}

fn is_letter(c: char) -> bool {
    c.is_alphabetic() && !is_cjk(c)
}

/// Bytes of the first piece of a text that is not empty.
fn piece_length(text: &str) -> usize {
    let mut chars = text.chars();
    let first = chars.next().unwrap_or(' ');
    // A space belongs to the word after it, as in most vocabularies.
    let lead =
        usize::from(first == ' ' && chars.clone().next().is_some_and(|c| is_letter(c) || c.is_ascii_digit()));
    let head = if lead == 1 { chars.next().unwrap_or(' ') } else { first };
    let body = &text[lead..];
    lead + match head {
        c if is_cjk(c) => c.len_utf8(),
        c if is_letter(c) => word_length(body),
        c if c.is_ascii_digit() => run_length(body, 3, |d| d.is_ascii_digit()),
        c if c.is_whitespace() => run_length(body, 4, |w| w == c),
        c => run_length(body, 3, |p| p == c),
    }
}

/// The first four letters of a long word, or a whole short one.
fn word_length(text: &str) -> usize {
    let whole = run_length(text, 7, is_letter);
    if text[..whole].chars().count() <= 6 { whole } else { run_length(text, 4, is_letter) }
}

fn run_length(text: &str, most: usize, keep: impl Fn(char) -> bool) -> usize {
    text.chars().take(most).take_while(|c| keep(*c)).map(char::len_utf8).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_joined_are_the_text() {
        for text in ["Hello, wonderful world!\n\n- 12345 items", "这是一个模拟。ok", "👩‍👩‍👧 مرحبا  x", ""]
        {
            assert_eq!(pieces(text).concat(), text);
            assert_eq!(pieces(text).len(), count(text));
        }
    }

    #[test]
    fn chinese_counts_by_character_and_short_words_by_one() {
        assert_eq!(pieces("你好 the extraordinary"), ["你", "好", " the", " extr", "aord", "inary"]);
    }
}
