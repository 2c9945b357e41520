//! Plain answers that show what the window can draw: heading, list, table, code, formula, quote.

use super::{Role, Turn};
use crate::catalogue::Model;
use crate::random::Random;
use crate::tokens;
use crate::words;

/// An answer to a plain question, 150 to 250 tokens: below the 256 that native models stop at.
pub(crate) fn about(turns: &[Turn], said: &str, model: &Model, chinese: bool, random: &mut Random) -> String {
    let view = View {
        quote: quoted(said),
        words: words::key_words(said, 3),
        word_count: words::words(said).len(),
        token_count: tokens::count(said),
        messages: turns.iter().filter(|turn| turn.role != Role::System).count(),
        model: model.name(),
    };
    if chinese { view.chinese(random) } else { view.english(random) }
}

/// What an answer says about its question.
struct View<'a> {
    quote: String,
    words: Vec<String>,
    word_count: usize,
    token_count: usize,
    messages: usize,
    model: &'a str,
}

/// On one line, at most 20 tokens.
fn quoted(said: &str) -> String {
    let line = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let pieces = tokens::pieces(&line);
    if pieces.len() <= 20 { line } else { pieces[..19].concat().trim_end().to_owned() + "…" }
}

impl View<'_> {
    fn english(&self, random: &mut Random) -> String {
        let openings = ["What it would cover", "How it might go on", "The shape of an answer"];
        let list = self.items(
            "**{}** comes first",
            "then *{}*",
            "`{}` rounds it off",
            "Your message has no long word to pick up",
        );
        format!(
            "This is a simulation of `{}`: no model read your message, and nothing left this computer. You wrote:\n\n\
             > {}\n\n### {}\n\n{list}\n\
             | Your message | Count |\n|---|---:|\n| Words | {} |\n| Tokens, about | {} |\n| Messages | {} |\n\n\
             {}\n\nFormulas are drawn too:\n\n{}\n\n\
             Connect an account in **Settings** for real answers.",
            self.model,
            self.quote,
            random.pick(&openings),
            self.word_count,
            self.token_count,
            self.messages,
            self.code(random),
            random.pick(FORMULAS)
        )
    }

    fn chinese(&self, random: &mut Random) -> String {
        let openings = ["回答的样子", "它会谈到什么", "可能的结构"];
        let list = self.items("先谈 **{}**", "再看 *{}*", "最后是 `{}`", "这句话里没有可以展开的词");
        format!(
            "这是对 `{}` 的模拟，没有模型读过你的话。你写道：\n\n> {}\n\n### {}\n\n{list}\n\
             | 你的消息 | 数量 |\n|---|---:|\n| 字词 | {} |\n| 约合词元 | {} |\n| 已有消息 | {} |\n\n\
             {}\n\n公式：\n\n{}\n\n在**设置**里连接账户。",
            self.model,
            self.quote,
            random.pick(&openings),
            self.word_count,
            self.token_count,
            self.messages,
            self.code(random),
            random.pick(FORMULAS)
        )
    }

    /// A numbered list of the key words, one form for each place.
    fn items(&self, first: &str, second: &str, third: &str, none: &str) -> String {
        if self.words.is_empty() {
            return format!("1. {none}\n");
        }
        let forms = [first, second, third];
        let line = |(i, (word, form)): (usize, (&String, &&str))| {
            format!("{}. {}\n", i + 1, form.replace("{}", word))
        };
        self.words.iter().zip(&forms).enumerate().map(line).collect()
    }

    fn code(&self, random: &mut Random) -> String {
        let word: String = self.words.first().map_or("hello", String::as_str).chars().take(12).collect();
        let word = if words::is_chinese(&word) { "你好" } else { word.as_str() };
        match random.below(3) {
            0 => format!("```python\nword = \"{word}\"\nprint(word, len(word))\n```"),
            1 => format!("```rust\nlet word = \"{word}\";\nprintln!(\"{{word}} {{}}\", word.len());\n```"),
            _ => format!("```ts\nconst word = \"{word}\";\nconsole.log(word, word.length);\n```"),
        }
    }
}

const FORMULAS: &[&str] = &[
    "$$\\int_0^1 x^2\\,dx = \\frac{1}{3}$$",
    "$$\\sum_{k=1}^{n} k = \\frac{n(n+1)}{2}$$",
    "$$\\cos\\theta = \\frac{a \\cdot b}{|a|\\,|b|}$$",
];

/// An answer after a tool's result.
pub(crate) fn about_result(result: &str, chinese: bool) -> String {
    let result = quoted(result);
    if chinese {
        format!("这是模拟回答。工具返回了：\n\n> {result}")
    } else {
        format!("This is a simulated answer. The tool returned:\n\n> {result}")
    }
}

/// `write 500 words`, `写500字`: a text of exactly that length.
pub(crate) fn of_length(said: &str) -> Option<String> {
    let lower = said.to_lowercase();
    let number_before = |unit: &str| {
        let at = lower.find(unit)?;
        let head = lower[..at].trim_end();
        let digits: String = head.chars().rev().take_while(|c| c.is_ascii_digit() || *c == ',').collect();
        digits.chars().rev().filter(char::is_ascii_digit).collect::<String>().parse::<usize>().ok()
    };
    if lower.contains("write")
        && let Some(count) = number_before("words")
    {
        return Some(filler(count.min(500_000)));
    }
    let written = lower.contains('写');
    number_before("个字")
        .or_else(|| number_before("字"))
        .filter(|_| written)
        .map(|count| han_filler(count.min(500_000)))
}

const VOCABULARY: &[&str] = &[
    "quiet", "harbour", "lantern", "carries", "morning", "across", "silver", "water", "while", "gulls",
    "answer", "distant", "bells", "and", "every", "window", "keeps", "its", "own", "small", "weather",
    "until", "evening", "comes",
];

/// Exactly `count` words, in sentences of twelve and paragraphs of seventy-two. The first sentence says what it is.
fn filler(count: usize) -> String {
    let opening =
        ["This", "is", "simulated", "text,", "made", "of", "as", "many", "words", "as", "you", "asked."];
    let mut random = Random::new(count as u64);
    let mut text = String::with_capacity(count * 8);
    for i in 0..count {
        let mut word =
            opening.get(i).map_or_else(|| (*random.pick(VOCABULARY)).to_owned(), |word| (*word).to_owned());
        if i % 12 == 0 {
            word = word[..1].to_uppercase() + &word[1..];
        }
        text.push_str(match i {
            0 => "",
            i if i % 72 == 0 => "\n\n",
            _ => " ",
        });
        text.push_str(&word);
        if (i % 12 == 11 || i + 1 == count) && !word.ends_with('.') {
            text.push('.');
        }
    }
    text
}

const HAN: &str = "清晨的港口很安静灯光照在水面上远处传来钟声每一扇窗都有自己的天气直到夜晚来临";

/// Exactly `count` characters besides the punctuation.
fn han_filler(count: usize) -> String {
    let mut text = String::with_capacity(count * 4);
    for (i, c) in "这是模拟的文字".chars().chain(HAN.chars().cycle()).take(count).enumerate() {
        text.push(c);
        match i + 1 {
            n if n == count || n % 120 == 0 => text.push_str(if n == count { "。" } else { "。\n\n" }),
            n if n % 20 == 0 => text.push('，'),
            _ => {}
        }
    }
    text
}

/// Thoughts of about a dozen tokens for each degree of effort.
pub(crate) fn thoughts(said: &str, chinese: bool, effort: usize) -> String {
    let steps: [&str; 6] = if chinese {
        [
            "这是模拟的思考。",
            "先看看问题里最长的词。",
            "再决定用哪种语言回答。",
            "表格和公式也应该出现。",
            "检查一下有没有遗漏。",
            "可以开始写了。",
        ]
    } else {
        [
            "These are simulated thoughts.",
            "First, which words carry the question?",
            "Then, in which language to answer?",
            "A table and a formula should appear as well.",
            "Is anything left out? It does not seem so.",
            "Now to write it down.",
        ]
    };
    let word = words::key_words(said, 1);
    let about = match (word.first(), chinese) {
        (Some(word), true) => format!("要点是“{word}”。"),
        (Some(word), false) => format!("It is about \"{word}\"."),
        (None, _) => String::new(),
    };
    let kept = steps.iter().take(effort.clamp(1, steps.len())).copied();
    let separator = if chinese { "" } else { " " };
    kept.chain(Some(about.as_str())).filter(|step| !step.is_empty()).collect::<Vec<_>>().join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_fit_below_the_native_limit_and_say_what_they_are() {
        let model = crate::catalogue::find("@cf/meta/llama-3.3-70b-instruct-fp8-fast").expect("in the table");
        for (said, chinese) in [
            ("Hi", false),
            (
                "Explain the difference between TCP and UDP in networking, please, with an example for everyday life and one for games that I can show to a class of children, and keep it short",
                false,
            ),
            ("请解释一下机器学习和深度学习有什么不同", true),
            (&"请比较一下向量数据库、关系数据库与全文搜索引擎的用途".repeat(3), true),
        ] {
            for seed in 0..12 {
                let answer = about(&[Turn::saying(said)], said, model, chinese, &mut Random::new(seed));
                let count = tokens::count(&answer);
                assert!((150..=254).contains(&count), "{count} tokens: {answer}");
                assert!(
                    answer
                        .lines()
                        .next()
                        .is_some_and(|line| line.contains("simulation") || line.contains("模拟"))
                );
            }
        }
    }

    #[test]
    fn so_many_words_are_so_many_words() {
        let text = of_length("Please write 1,000 words about ships").expect("a length");
        assert_eq!(text.split_whitespace().count(), 1000);
        assert!(text.starts_with("This is simulated text"));
        let han = of_length("写 300 字").expect("a length");
        assert_eq!(han.chars().filter(|c| c.is_alphanumeric()).count(), 300);
    }
}
