//! The work of rendering, counted in bytes parsed rather than in time, and the caps that keep hostile texts cheap.

#[path = "common/texts.rs"]
mod texts;

use render::{MAX_TEXT, Stream, render};
use texts::{answer, pathological, tokens};

/// Bytes parsed to stream `text` with a patch after each `every` tokens.
fn parsed(text: &str, every: usize) -> u64 {
    let mut stream = Stream::new();
    for (at, token) in tokens(text).into_iter().enumerate() {
        stream.push(token);
        if at % every == every - 1 {
            stream.patch();
        }
    }
    stream.finish();
    stream.parsed()
}

#[test]
fn streaming_an_answer_parses_it_a_few_times_over() {
    let text = answer(32 * 1024);
    let times = |every| parsed(&text, every) as f64 / text.len() as f64;
    assert!(times(1) < 7.0, "a patch for each token: {:.1} times", times(1));
    assert!(times(33) < 4.0, "a patch for each frame at 1,000 tokens/s: {:.1} times", times(33));
}

#[test]
fn streaming_twice_as_much_parses_at_most_two_and_a_half_times_as_much() {
    let ordinary = ("an ordinary answer", answer as texts::Make);
    for (name, make) in pathological().into_iter().chain([ordinary]) {
        let work = |length| parsed(&make(length), 1) as f64;
        let growth = work(12_000) / work(6_000);
        assert!(growth <= 2.5, "{name}: {growth:.2} times the work for twice the text");
    }
}

#[test]
fn hostile_texts_are_shown_as_something() {
    for (name, make) in pathological() {
        let blocks = render(&make(50_000));
        assert!(!blocks.is_empty() && blocks.iter().all(|block| !block.html.is_empty()), "{name}");
    }
}

#[test]
fn what_nests_too_deep_is_plain_text() {
    let blocks = render(&format!("{} deep\n\nnext", ">".repeat(48 * 1024)));
    assert!(blocks[0].html.starts_with("<p class=\"plain\">&gt;&gt;"), "{}", &blocks[0].html[..40]);
    assert_eq!(blocks[1].html, "<p>next</p>\n", "only the block that is too deep is plain");
}

#[test]
fn what_is_too_long_is_plain_text() {
    let blocks = render(&"*a* ".repeat(MAX_TEXT / 4 + 1));
    assert!(blocks[0].html.starts_with("<p class=\"plain\">*a* "), "{}", &blocks[0].html[..40]);
}

#[test]
fn maths_that_could_expand_without_end_stays_source() {
    for formula in
        ["\\def\\a{\\a\\a}\\a", "\\newcommand{\\x}{1}\\x", &"{".repeat(500), &"\\frac".repeat(2000)]
    {
        let html = render(&format!("${formula}$"))[0].html.clone();
        assert!(!html.contains("<math"), "{html}");
    }
}
