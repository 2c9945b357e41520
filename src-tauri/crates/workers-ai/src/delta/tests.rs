//! Every recorded stream, and every cut of it.

use super::*;
use proptest::prelude::*;
use std::path::Path;

/// What a stream came to.
#[derive(Debug, Clone, Default, PartialEq)]
struct Heard {
    deltas: Vec<Result<Delta, Error>>,
    tokens: Tokens,
    cut: bool,
    finish: Option<Finish>,
    skipped: u32,
}

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/fixtures/sse");
    std::fs::read(folder.join(name)).unwrap()
}

fn hear(inline: bool, chunks: &[&[u8]]) -> Heard {
    let mut decoder = Decoder::new(inline);
    let mut heard = Heard::default();
    let take = |decoder: &mut Decoder, heard: &mut Heard| {
        while let Some(delta) = decoder.next() {
            heard.deltas.push(delta);
        }
    };
    for chunk in chunks {
        decoder.push(chunk);
        take(&mut decoder, &mut heard);
    }
    match decoder.end() {
        Ending::Whole(finish) => heard.finish = Some(finish),
        Ending::Cut => heard.cut = true,
    }
    take(&mut decoder, &mut heard);
    heard.tokens = decoder.tokens;
    heard.skipped = decoder.skipped;
    heard
}

impl Heard {
    fn text(&self) -> String {
        self.deltas
            .iter()
            .filter_map(|delta| if let Ok(Delta::Text(text)) = delta { Some(text.as_str()) } else { None })
            .collect()
    }

    fn thoughts(&self) -> String {
        self.deltas
            .iter()
            .filter_map(
                |delta| if let Ok(Delta::Thinking(text)) = delta { Some(text.as_str()) } else { None },
            )
            .collect()
    }

    fn calls(&self) -> Vec<(String, String, String)> {
        let mut calls = crate::tool_calls::ToolCalls::default();
        self.deltas.iter().flatten().for_each(|delta| calls.push(delta));
        calls.finish().into_iter().map(|call| (call.id, call.name, call.arguments)).collect()
    }
}

const STREAMS: &[(&str, bool)] = &[
    ("native.sse", false),
    ("openai-usage-on-each-chunk.sse", false),
    ("openai-final-usage.sse", false),
    ("responses-events.sse", false),
    ("think-with-cut-tags.sse", false),
    ("think-without-opening-tag.sse", true),
    ("tools-in-pieces.sse", false),
    ("tools-native.sse", false),
    ("scripts-and-comments.sse", false),
    ("mixed-then-error.sse", false),
    ("truncated.sse", false),
];

fn whole(name: &str) -> Heard {
    let inline = STREAMS.iter().find(|(stream, _)| *stream == name).unwrap().1;
    hear(inline, &[&fixture(name)])
}

fn tokens(input: u32, output: u32, cached: Option<u32>, neurons: Option<f64>) -> Tokens {
    Tokens { input: Some(input), output: Some(output), cached, neurons }
}

#[test]
fn a_native_stream_is_heard() {
    let heard = whole("native.sse");
    assert_eq!(heard.text(), "Hello, the primes above 90 are 97.9", "a digit may come as a number");
    assert_eq!(heard.tokens, tokens(26, 12, None, Some(0.71)));
    assert_eq!(heard.finish, Some(Finish::Stop));
}

#[test]
fn an_openai_stream_is_heard_with_usage_on_each_chunk_or_at_the_end() {
    let each = whole("openai-usage-on-each-chunk.sse");
    assert_eq!(
        (each.thoughts().as_str(), each.text().as_str()),
        ("Okay, the person wants a prime.", "Hi there: 97")
    );
    assert_eq!(each.tokens, tokens(13, 22, Some(8), Some(0.73)), "the last figures count");
    let end = whole("openai-final-usage.sse");
    assert_eq!(
        (end.thoughts().as_str(), end.text().as_str()),
        ("Let me think", "| a | b |\n|---|---|\n| 1 |")
    );
    assert_eq!(end.tokens, tokens(40, 64, None, None));
    assert_eq!(end.finish, Some(Finish::Length));
}

#[test]
fn responses_events_are_heard() {
    let heard = whole("responses-events.sse");
    assert_eq!((heard.thoughts().as_str(), heard.text().as_str()), ("Trivial.", "Hi, 97"));
    assert_eq!(
        heard.calls(),
        [("call_7".to_owned(), "getWeather".to_owned(), "{\"city\":\"Paris\"}".to_owned())]
    );
    assert_eq!(heard.tokens, tokens(20, 19, Some(4), None));
    assert_eq!(heard.finish, Some(Finish::ToolCalls));
}

#[test]
fn thoughts_in_the_text_are_told_apart() {
    let cut = whole("think-with-cut-tags.sse");
    assert_eq!(cut.thoughts(), "\nIs 97 < 100? Yes. </think no, not yet ");
    assert_eq!(cut.text(), "It is 97.");
    let missing = whole("think-without-opening-tag.sse");
    assert_eq!(missing.thoughts(), "Okay, so 91 = 7 × 13, hence 97.\n");
    assert_eq!(missing.text(), "The prime is **97** <think>literally</think>.");
}

#[test]
fn tool_calls_are_heard_in_all_shapes() {
    let call = |id: &str, name: &str, arguments: &str| (id.to_owned(), name.to_owned(), arguments.to_owned());
    assert_eq!(
        whole("tools-in-pieces.sse").calls(),
        [
            call("chatcmpl-tool-1", "getWeather", "{\"city\": \"Paris 🇫🇷\"}"),
            call("chatcmpl-tool-2", "getTime", "{\"zone\":\"UTC\"}"),
        ]
    );
    let native = whole("tools-native.sse");
    assert_eq!(
        native.calls(),
        [
            call("000000001", "getWeather", "{\"city\":\"Paris\",\"days\":[1,2]}"),
            call("call-9", "getTime", "{\"zone\":\"UTC\"}"),
        ]
    );
    assert_eq!(native.finish, Some(Finish::ToolCalls));
}

#[test]
fn every_script_and_every_oddity_of_the_wire_is_heard() {
    let heard = whole("scripts-and-comments.sse");
    let expected = "你好，世界。👩‍👩‍👧‍👦 家族שלום עולם‏مرحبا بالعالم‏e\u{301} = é𝄞𝔘𝔫𝔦ไทย\u{2028} and \u{85} and \\u000a\n\r\n🏳️‍🌈0️⃣in two7!";
    assert_eq!(heard.text(), expected);
    assert_eq!(heard.skipped, 1, "the broken event is counted");
    assert_eq!(heard.finish, Some(Finish::Stop));
}

#[test]
fn what_came_before_an_error_or_a_cut_is_kept() {
    let error = whole("mixed-then-error.sse");
    assert_eq!(error.text(), "Hello you, all", "both families in one chunk are said once");
    let last = error.deltas.last().unwrap().as_ref().unwrap_err();
    assert_eq!(last.why(), Some(Why::Busy));
    let cut = whole("truncated.sse");
    assert_eq!((cut.text().as_str(), cut.cut), ("This answer is cut here", true));
}

#[test]
fn a_cut_at_every_byte_with_every_line_end_makes_no_difference() {
    let mut cuts = 0;
    for (name, inline) in STREAMS {
        let lines = String::from_utf8(fixture(name)).unwrap();
        for end in ["\n", "\r", "\r\n"] {
            let bytes = lines.replace('\n', end).into_bytes();
            let expected = hear(*inline, &[&bytes]);
            assert_eq!(expected.text(), whole(name).text(), "{name} with {end:?}");
            for cut in 0..=bytes.len() {
                let (before, after) = bytes.split_at(cut);
                assert_eq!(hear(*inline, &[before, after]), expected, "{name} with {end:?} cut at {cut}");
                cuts += 1;
            }
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(hear(*inline, &single), expected, "{name} with {end:?} byte by byte");
        }
    }
    assert!(cuts >= 20_000, "{cuts} cuts");
}

#[test]
fn a_stream_that_ends_anywhere_is_never_called_whole_without_its_mark() {
    for (name, inline) in STREAMS {
        let bytes = fixture(name);
        let whole_text = whole(name).text();
        for end in 0..bytes.len() {
            let heard = hear(*inline, &[&bytes[..end]]);
            let marked = bytes[..end].windows(6).any(|window| window == b"[DONE]")
                || ["\"stop\"", "\"length\"", "\"tool_calls\",", "\"tool_calls\"}", "response.completed"]
                    .iter()
                    .any(|mark| String::from_utf8_lossy(&bytes[..end]).contains(mark));
            assert!(heard.cut || marked, "{name} ended at {end} without a mark");
            // A tag that is cut, and thoughts that never close, are given out as text: nothing is lost.
            let thinks = name.starts_with("think");
            assert!(
                thinks || whole_text.starts_with(&heard.text()),
                "{name} ended at {end}: {}",
                heard.text()
            );
        }
    }
}

#[test]
fn whole_answers_are_heard_in_every_form() {
    let check = |json: &str, thoughts: &str, text: &str, finish: Finish| {
        let mut decoder = Decoder::new(false);
        decoder.whole(&serde_json::from_str(json).unwrap());
        let mut heard = Heard::default();
        while let Some(delta) = decoder.next() {
            heard.deltas.push(delta);
        }
        assert_eq!((heard.thoughts().as_str(), heard.text().as_str()), (thoughts, text), "{json}");
        assert_eq!(decoder.end(), Ending::Whole(finish), "{json}");
    };
    check(
        r#"{"result":{"response":"97","tool_calls":[],"usage":{}},"success":true,"errors":[]}"#,
        "",
        "97",
        Finish::Stop,
    );
    check(r#"{"response":{"name":"Ada","age":36}}"#, "", r#"{"name":"Ada","age":36}"#, Finish::Stop);
    check(r#"{"response":97}"#, "", "97", Finish::Stop);
    check(r#"{"response":"<think>hm</think>\n97"}"#, "hm", "97", Finish::Stop);
    check(r#"{"response":null,"tool_calls":[{"name":"f","arguments":{}}]}"#, "", "", Finish::ToolCalls);
    check(
        r#"{"choices":[{"finish_reason":"model_length","message":{"content":"97","reasoning_content":"hm"}}]}"#,
        "hm",
        "97",
        Finish::Length,
    );
    check(
        r#"{"choices":[{"finish_reason":"content_filter","message":{"content":"x"}}]}"#,
        "",
        "x",
        Finish::ContentFilter,
    );
    check(
        r#"{"object":"text_completion","choices":[{"text":"97","finish_reason":"stop"}]}"#,
        "",
        "97",
        Finish::Stop,
    );
    check(r#"{"choices":[{"message":{"content":""}}],"response":"97"}"#, "", "97", Finish::Stop);
    check(
        r#"{"object":"response","status":"completed","error":null,"output":[{"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"Trivial."}]},{"type":"message","content":[{"type":"output_text","text":"97"}]}]}"#,
        "Trivial.",
        "97",
        Finish::Stop,
    );
    check(
        r#"{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[{"type":"message","content":[{"type":"output_text","text":"9"}]}]}"#,
        "",
        "9",
        Finish::Length,
    );
    check(r#"{"output_text":"97"}"#, "", "97", Finish::Stop);
}

#[test]
fn errors_inside_a_stream_are_heard_in_all_shapes() {
    for (event, why) in [
        (r#"data: {"errors":[{"code":3040,"message":"x"}]}"#, Why::Busy),
        (r#"data: {"error":{"message":"x","code":5021}}"#, Why::ContextTooLong),
        (r#"data: {"error":"boom"}"#, Why::Upstream),
        (r#"data: {"choices":[{"delta":{"content":""},"finish_reason":"error"}]}"#, Why::Upstream),
        (
            "event: error\ndata: {\"error\":{\"message\":\"3036: daily free allocation\"}}",
            Why::AllowanceSpent,
        ),
        (r#"data: {"type":"error","code":"3007","message":"timeout"}"#, Why::TookTooLong),
        (
            r#"data: {"type":"response.failed","response":{"error":{"code":"x","message":"rate limit"}}}"#,
            Why::RateLimited,
        ),
    ] {
        let stream = format!("data: {{\"response\":\"a\"}}\n\n{event}\n\ndata: {{\"response\":\"b\"}}\n\n");
        let heard = hear(false, &[stream.as_bytes()]);
        assert_eq!(heard.text(), "a", "{event}");
        assert_eq!(heard.deltas.last().unwrap().as_ref().unwrap_err().why(), Some(why), "{event}");
    }
}

#[test]
fn hostile_events_do_no_harm() {
    let deep = format!("data: {}1{}\n\n", "[".repeat(100_000), "]".repeat(100_000));
    let wrong = "data: {\"choices\":7,\"response\":[1],\"usage\":\"x\",\"tool_calls\":{\"a\":1}}\n\n";
    let odd = "data: {\"choices\":[{\"delta\":[]}],\"tool_calls\":[null,3,{\"index\":-1}],\"usage\":{\"prompt_tokens\":-5}}\n\n";
    let heard = hear(
        false,
        &[deep.as_bytes(), wrong.as_bytes(), odd.as_bytes(), b"data: 7\n\ndata: null\n\ndata: [DONE]\n\n"],
    );
    assert_eq!(heard.skipped, 1, "too deep to read");
    assert_eq!(heard.text(), "[1]");
    assert_eq!(heard.finish, Some(Finish::Stop));

    let huge = [b"data: ".as_slice(), &vec![b'x'; sse::LARGEST_EVENT + 1]].concat();
    let heard = hear(false, &[b"data: {\"response\":\"kept\"}\n\n", &huge]);
    assert_eq!(heard.text(), "kept");
    assert!(matches!(heard.deltas.last(), Some(Err(Error::AnswerTooLarge { .. }))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damaged_streams_never_panic_and_split_the_same(
        stream in 0..STREAMS.len(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        removed in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let (name, inline) = STREAMS[stream];
        let mut bytes = fixture(name);
        for (place, value) in damage {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        bytes.remove(removed.index(bytes.len()));
        let (before, after) = bytes.split_at(cut.index(bytes.len()));
        prop_assert_eq!(hear(inline, &[before, after]), hear(inline, &[&bytes]));
    }
}
