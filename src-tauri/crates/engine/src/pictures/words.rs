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
    pub fn read(text: &str) -> Option<PictureRequest> {
        let text = text.trim_start();
        let rest = match text.strip_prefix('画') {
            Some(rest) => rest.trim_start_matches([':', '：', ' ', '，']),
            None => {
                let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
                if !["/image", "/draw"].contains(&word.to_ascii_lowercase().as_str()) {
                    return None;
                }
                rest
            }
        };
        let mut request = PictureRequest { count: 1, ..PictureRequest::default() };
        let mut prompt: Vec<&str> = Vec::new();
        let mut words = rest.split_whitespace().peekable();
        while let Some(word) = words.next() {
            let taken = word.strip_prefix("--").and_then(|name| {
                let value = *words.peek()?;
                set(&mut request, name, value).then_some(name)
            });
            match taken {
                Some("negative") => {
                    let mut negative = Vec::new();
                    while let Some(next) = words.next_if(|next| !next.starts_with("--")) {
                        negative.push(next);
                    }
                    request.negative_prompt = Some(negative.join(" "));
                }
                Some(_) => {
                    words.next();
                }
                None => prompt.push(word),
            }
        }
        request.prompt = prompt.join(" ");
        Some(request)
    }
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
        "negative" => true,
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
    }
}
