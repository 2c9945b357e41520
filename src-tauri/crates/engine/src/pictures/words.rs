//! A message that makes a picture: it begins with `画`, `/image` or `/draw`, and may end in options.

use domain::PictureRequest;

/// What a message asks to be drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct PictureWords;

impl PictureWords {
    /// The picture that a message asks for; `None` when it asks for none.
    ///
    /// `画` needs no space behind it; the other words do. Options: `--model M`, `--size WxH`, `--seed N`, `--steps N`,
    /// `--guidance G`, `--negative TEXT` (to the next option), `--count N`. What is not understood stays in the prompt.
    /// Line breaks stay too.
    pub fn read(text: &str) -> Option<PictureRequest> {
        let text = text.trim_start();
        let rest = match text.strip_prefix('画') {
            Some(rest) => rest.trim_start_matches([':', '：', ' ', '，', '\n', '\r']),
            None => {
                let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
                if !["/image", "/draw"].contains(&word.to_ascii_lowercase().as_str()) {
                    return None;
                }
                rest
            }
        };
        let mut request = PictureRequest { count: 1, ..PictureRequest::default() };
        request.prompt = without_options(rest, &mut request);
        Some(request)
    }
}

/// Takes the options out of a text and sets them; what is left keeps its line breaks.
fn without_options(text: &str, request: &mut PictureRequest) -> String {
    let mut left = String::new();
    let mut rest = text;
    while let Some(begin) = option_in(rest) {
        let name = &rest[begin + 2..];
        let name = &name[..name.find(char::is_whitespace).unwrap_or(name.len())];
        let after = &rest[begin + 2 + name.len()..];
        let value = if name == "negative" { until_option(after) } else { next_word(after) };
        if value.trim().is_empty() || !set(request, name, value.trim()) {
            left.push_str(&rest[..begin + 2]);
            rest = &rest[begin + 2..];
            continue;
        }
        left.push_str(rest[..begin].trim_end_matches([' ', '\t']));
        rest = &after[value.len()..];
    }
    left.push_str(rest);
    left.trim().to_owned()
}

/// Where the next `--` stands that begins a word.
fn option_in(text: &str) -> Option<usize> {
    let starts_word = |at: usize| text[..at].chars().next_back().is_none_or(char::is_whitespace);
    text.match_indices("--").map(|(at, _)| at).find(|at| starts_word(*at))
}

/// White space and the word behind it.
fn next_word(text: &str) -> &str {
    let begin = text.len() - text.trim_start().len();
    let length = text[begin..].find(char::is_whitespace).unwrap_or(text.len() - begin);
    &text[..begin + length]
}

/// Everything up to the next option, without the white space before it.
fn until_option(text: &str) -> &str {
    text[..option_in(text).unwrap_or(text.len())].trim_end()
}

/// Sets an option; `false` when its name or value is not understood.
fn set(request: &mut PictureRequest, name: &str, value: &str) -> bool {
    fn into<T: std::str::FromStr>(place: &mut Option<T>, value: &str) -> bool {
        *place = value.parse().ok();
        place.is_some()
    }
    match name {
        "model" => {
            request.model = Some(value.into());
            true
        }
        "size" => {
            let sides = value.split_once(['x', 'X', '×']);
            let sides = sides.and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
            if let Some((width, height)) = sides {
                (request.width, request.height) = (Some(width), Some(height));
            }
            sides.is_some()
        }
        "seed" => into(&mut request.seed, value),
        "steps" => into(&mut request.steps, value),
        "guidance" => into(&mut request.guidance, value),
        "count" => value.parse().map(|count: u32| request.count = count.clamp(1, 4)).is_ok(),
        "negative" => {
            request.negative_prompt = Some(value.split_whitespace().collect::<Vec<_>>().join(" "));
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(text: &str) -> Option<String> {
        PictureWords::read(text).map(|request| request.prompt)
    }

    #[test]
    fn only_messages_that_begin_with_a_word_make_a_picture() {
        assert_eq!(prompt("画一只猫").as_deref(), Some("一只猫"));
        assert_eq!(prompt("画：一只猫").as_deref(), Some("一只猫"));
        assert_eq!(prompt("/image a cat").as_deref(), Some("a cat"));
        assert_eq!(prompt("/Draw a cat").as_deref(), Some("a cat"));
        assert_eq!(prompt("/draw").as_deref(), Some(""));
        for other in ["draw a cat", "/imagery", "漫画是什么", "please /image", ""] {
            assert_eq!(prompt(other), None, "{other}");
        }
    }

    #[test]
    fn options_are_understood_and_the_rest_stays_in_the_prompt() {
        let text = "/image a cat --model @cf/a/b --size 512x768 --seed 42 --steps 4 --negative blurry, dark --count 9 --odd one";
        let request = PictureWords::read(text).expect("a picture is asked for");
        assert_eq!(request.prompt, "a cat --odd one");
        assert_eq!(request.model, Some("@cf/a/b".into()));
        assert_eq!((request.width, request.height), (Some(512), Some(768)));
        assert_eq!((request.seed, request.steps, request.count), (Some(42), Some(4), 4));
        assert_eq!(request.negative_prompt.as_deref(), Some("blurry, dark"));
        let short = PictureWords::read("画 一只猫 --seed 7").expect("a picture is asked for");
        assert_eq!((short.prompt.as_str(), short.seed), ("一只猫", Some(7)));
        for odd in [
            "/image a --seed x",
            "/image a --seed",
            "/image a -- b",
            "/image a--steps 4",
            "/image a --size 5",
        ] {
            let request = PictureWords::read(odd).expect("a picture is asked for");
            let unset = request.seed.is_none() && request.steps.is_none() && request.width.is_none();
            assert_eq!((request.prompt.as_str(), unset), (&odd[7..], true));
        }
    }

    #[test]
    fn lines_of_a_prompt_stay_lines() {
        let request =
            PictureWords::read("/image a cat,\n  in the rain --steps 4\n--seed 5\nat night").expect("one");
        assert_eq!(request.prompt, "a cat,\n  in the rain\n\nat night");
        assert_eq!((request.steps, request.seed), (Some(4), Some(5)));
        assert_eq!(prompt("画\n一只猫\n在雨中").as_deref(), Some("一只猫\n在雨中"));
    }
}
