//! An estimate of how many tokens a text costs in a multilingual embedding model.
//!
//! The exact tokenizer belongs to the model and is megabytes of vocabulary; cutting and quoting need a figure
//! that is close and rather too high than too low. The weights are those of multilingual word-piece
//! vocabularies in round numbers: a common word is one or two tokens, an ideograph somewhat less than one, a
//! sign one. They are not calibrated against one model: the quote compares with what the service counted.

/// Hundredths of a token, so that sums are exact.
const TOKEN: usize = 100;

/// The estimated number of tokens of a text; 0 only for text without a visible character.
///
/// Words of alphabetic scripts count one token per started five letters, ideographs and syllables 0.75 each,
/// digits one per two, signs one each; white space is free. The sum over pieces is never less than the
/// estimate of the pieces joined at white space by more than rounding.
pub fn estimate_tokens(text: &str) -> usize {
    let mut sum = 0;
    let mut letters = 0;
    let mut digits = 0;
    for c in text.chars() {
        if c.is_ascii_digit() {
            sum += word_cost(&mut letters);
            digits += 1;
            continue;
        }
        sum += std::mem::take(&mut digits) * TOKEN / 2;
        if c.is_whitespace() {
            sum += word_cost(&mut letters);
        } else if is_ideograph(c) {
            sum += word_cost(&mut letters) + TOKEN * 3 / 4;
        } else if c.is_alphanumeric() {
            // Letters outside Latin are rarer in the vocabulary and fall apart sooner.
            letters += if c.is_ascii() || c < '\u{250}' { 2 } else { 3 };
        } else {
            sum += word_cost(&mut letters) + TOKEN;
        }
    }
    sum += word_cost(&mut letters) + digits * TOKEN / 2;
    sum.div_ceil(TOKEN)
}

fn word_cost(letters: &mut usize) -> usize {
    std::mem::take(letters).div_ceil(10) * TOKEN
}

/// Scripts written without spaces, where one character is about one word piece.
pub(crate) fn is_ideograph(c: char) -> bool {
    matches!(u32::from(c),
        0x2e80..=0x2fdf | 0x3040..=0x30ff | 0x3100..=0x31ff | 0x3400..=0x9fff | 0xac00..=0xd7af
        | 0xf900..=0xfaff | 0xff66..=0xff9f | 0x20000..=0x3ffff | 0xe00..=0xe7f | 0x1000..=0x109f | 0x1780..=0x17ff)
}
