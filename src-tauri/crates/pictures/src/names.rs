//! Readable file names: the day, the first words of the prompt, the seed.

use domain::Timestamp;

/// Characters of the prompt that a name holds at most.
const WORDS: usize = 48;

/// `2026-11-20 a-lighthouse-at-dusk 12345-ab12.png`: sorts by day, says what it shows, and `unique` keeps names apart.
///
/// The name is legal on every system: no separators, no control characters, no reserved names, under 120 bytes.
pub fn file_name(
    prompt: &str,
    made_at: Timestamp,
    seed: Option<u64>,
    unique: &str,
    extension: &str,
) -> String {
    let mut words = String::new();
    for character in prompt.chars() {
        if words.chars().count() >= WORDS || words.len() > 72 {
            break;
        }
        if character.is_alphanumeric() {
            words.push(character);
        } else if !words.is_empty() && !words.ends_with('-') {
            words.push('-');
        }
    }
    let words = words.trim_end_matches('-');
    let words = if words.is_empty() { "picture" } else { words };
    let seed = seed.map(|seed| format!(" {seed}")).unwrap_or_default();
    let unique: String = unique.chars().filter(char::is_ascii_alphanumeric).collect();
    let unique = &unique[unique.len().saturating_sub(8)..];
    format!("{} {words}{seed}-{unique}.{extension}", day(made_at))
}

/// The UTC day as ISO 8601.
fn day(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).unwrap_or_default().strftime("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOON: Timestamp = Timestamp(1_795_176_000_000);

    #[test]
    fn a_name_says_what_the_picture_shows() {
        let name = file_name("A lighthouse, at dusk!", NOON, Some(42), "0192-ab12cd34", "png");
        assert_eq!(name, "2026-11-20 A-lighthouse-at-dusk 42-ab12cd34.png");
        assert_eq!(file_name("黄昏的灯塔", NOON, None, "x1", "jpg"), "2026-11-20 黄昏的灯塔-x1.jpg");
        assert_eq!(file_name("../../etc", NOON, None, "x1", "png"), "2026-11-20 etc-x1.png");
        assert_eq!(file_name("", NOON, None, "x1", "png"), "2026-11-20 picture-x1.png");
    }

    #[test]
    fn days_are_right_across_leap_years() {
        assert_eq!(day(Timestamp(0)), "1970-01-01");
        assert_eq!(day(Timestamp(951_782_400_000)), "2000-02-29");
        assert_eq!(day(Timestamp(4_107_542_400_000)), "2100-03-01");
    }

    proptest! {
        #[test]
        fn every_name_is_legal(prompt in "\\PC{0,200}", unique in "[a-f0-9-]{1,36}") {
            let name = file_name(&prompt, NOON, Some(u64::MAX), &unique, "png");
            prop_assert!(name.len() <= 140, "{} bytes", name.len());
            prop_assert!(!name.contains(['/', '\\', ':', '*', '?', '"', '<', '>', '|', '\0']));
        }
    }
}
