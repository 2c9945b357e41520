//! Server-sent events, decoded from bytes as the WHATWG standard says: the same events whatever the split.
//!
//! It knows nothing of models. Lines end with LF, CR or CRLF, also when the two bytes arrive apart; a byte order mark
//! at the start is dropped; comments, `id:`, `retry:` and unknown fields are ignored; several `data:` lines are joined
//! with line feeds. Text is decoded line by line, so a character cut between two packets is whole again.
//!
//! Source: <https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>.

use std::collections::VecDeque;

/// 8 MiB: more than any token, tool call or closing event needs, and small enough that a hostile server cannot fill memory.
pub const LARGEST_EVENT: usize = 8 * 1024 * 1024;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The value of `event:`, if one was given.
    pub name: Option<String>,
    /// The `data:` lines, joined.
    pub data: String,
}

/// An event grew beyond [`LARGEST_EVENT`]; nothing after it can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;

/// Bytes in, events out.
#[derive(Debug, Default)]
pub struct Decoder {
    line: Vec<u8>,
    name: String,
    data: String,
    has_data: bool,
    /// The last line ended with CR at the end of a packet: an LF that follows belongs to it.
    after_cr: bool,
    begun: bool,
    events: VecDeque<Event>,
}

impl Decoder {
    /// A decoder at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes, however they were cut.
    ///
    /// # Errors
    /// [`TooLarge`]; events before the oversized one can still be taken with [`Decoder::next`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), TooLarge> {
        let mut rest = bytes;
        while let Some(first) = rest.first() {
            if self.after_cr {
                self.after_cr = false;
                if *first == b'\n' {
                    rest = &rest[1..];
                    continue;
                }
            }
            match rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
                Some(end) => {
                    self.keep(&rest[..end])?;
                    self.after_cr = rest[end] == b'\r';
                    self.end_line();
                    rest = &rest[end + 1..];
                }
                None => {
                    self.keep(rest)?;
                    break;
                }
            }
        }
        Ok(())
    }

    /// The next whole event, if one has arrived.
    #[allow(clippy::should_implement_trait, reason = "an iterator would suggest that `None` is the end")]
    pub fn next(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// What is left when the stream has ended without a blank line. The standard throws it away, and so does everyone who
    /// does not ask: the caller has to judge by other means whether it is whole.
    pub fn rest(&mut self) -> Option<Event> {
        if !self.line.is_empty() {
            self.end_line();
        }
        self.dispatch();
        self.events.pop_front()
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), TooLarge> {
        if self.line.len() + self.data.len() + bytes.len() > LARGEST_EVENT {
            return Err(TooLarge);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let mut bytes = line.as_slice();
        if !self.begun {
            self.begun = true;
            bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        }
        if bytes.is_empty() {
            self.dispatch();
        } else {
            self.field(bytes);
        }
        // The buffer is used again for the next line.
        self.line = line;
        self.line.clear();
    }

    fn field(&mut self, line: &[u8]) {
        let (name, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &line[line.len()..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => {
                if self.has_data {
                    self.data.push('\n');
                }
                self.data.push_str(&String::from_utf8_lossy(value));
                self.has_data = true;
            }
            b"event" => self.name = String::from_utf8_lossy(value).into_owned(),
            // A comment (empty name), `id`, `retry`, or something unknown.
            _ => {}
        }
    }

    fn dispatch(&mut self) {
        let name = std::mem::take(&mut self.name);
        if self.has_data {
            self.has_data = false;
            let data = std::mem::take(&mut self.data);
            self.events.push_back(Event { name: (!name.is_empty()).then_some(name), data });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(chunks: &[&[u8]]) -> Vec<Event> {
        let mut decoder = Decoder::new();
        let mut events = Vec::new();
        for chunk in chunks {
            decoder.push(chunk).unwrap();
            while let Some(event) = decoder.next() {
                events.push(event);
            }
        }
        events
    }

    fn check(text: &str, expected: &[(Option<&str>, &str)]) {
        let found = decode(&[text.as_bytes()]);
        let expected: Vec<Event> = expected
            .iter()
            .map(|(name, data)| Event { name: name.map(str::to_owned), data: (*data).to_owned() })
            .collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn events_are_read_as_the_standard_says() {
        check("data: one\n\n", &[(None, "one")]);
        check("data:one\n\ndata:  two\n\n", &[(None, "one"), (None, " two")]);
        check("data: a\ndata: b\n\n", &[(None, "a\nb")]);
        check("data\n\n", &[(None, "")]);
        check("data:\ndata:\n\n", &[(None, "\n")]);
        check("event: chunks\ndata: []\n\ndata: x\n\n", &[(Some("chunks"), "[]"), (None, "x")]);
        check("event: lonely\n\ndata: x\n\n", &[(None, "x")]);
        check(": keep-alive\n\n:\n\ndata: x\n\n", &[(None, "x")]);
        check("id: a\0b\nretry: 3\nodd: 1\nDATA: no\ndata: x\n\n", &[(None, "x")]);
        check("\u{feff}data: x\n\n", &[(None, "x")]);
        check("data: a\u{feff}\n\n\u{feff}data: y\n\n", &[(None, "a\u{feff}")]);
        check("data: x\r\rdata: y\r\n\r\ndata: z\n\n", &[(None, "x"), (None, "y"), (None, "z")]);
        check("data: a:b\n\n\n\n\ndata: {\"x\":1}\n\n", &[(None, "a:b"), (None, "{\"x\":1}")]);
        check("data: cut", &[]);
        check("data: no blank line\n", &[]);
    }

    #[test]
    fn a_cut_character_is_whole_again_and_a_broken_one_is_replaced() {
        let text = "data: 日👩‍👩‍👧\n\n".as_bytes();
        for cut in 0..=text.len() {
            assert_eq!(decode(&[&text[..cut], &text[cut..]])[0].data, "日👩‍👩‍👧", "cut at {cut}");
        }
        assert_eq!(decode(&[b"data: \xF0\x9F\n\n"])[0].data, "\u{fffd}");
    }

    #[test]
    fn the_rest_is_given_only_to_who_asks() {
        let mut decoder = Decoder::new();
        decoder.push(b"data: [DONE]").unwrap();
        assert_eq!(decoder.next(), None);
        assert_eq!(decoder.rest().map(|event| event.data), Some("[DONE]".to_owned()));
        assert_eq!(decoder.rest(), None);
    }

    #[test]
    fn an_event_beyond_the_limit_is_refused_and_those_before_it_are_kept() {
        let mut decoder = Decoder::new();
        decoder.push(b"data: first\n\ndata: ").unwrap();
        let chunk = vec![b'x'; 1024 * 1024];
        let outcome = (0..9).try_for_each(|_| decoder.push(&chunk));
        assert_eq!(outcome, Err(TooLarge));
        assert_eq!(decoder.next().map(|event| event.data), Some("first".to_owned()));

        let mut many_lines = Decoder::new();
        let line = format!("data: {}\n", "y".repeat(1000));
        let outcome = (0..9000).try_for_each(|_| many_lines.push(line.as_bytes()));
        assert_eq!(outcome, Err(TooLarge), "the limit holds for the event, not for the line");
    }

    /// Fragments from which odd streams are made.
    fn fragment() -> impl Strategy<Value = &'static [u8]> {
        prop::sample::select(vec![
            &b"data"[..],
            b":",
            b" ",
            b"\n",
            b"\r",
            b"\r\n",
            b"\n\n",
            b"event",
            b"x",
            b"{\"a\":\"",
            "日".as_bytes(),
            "👩‍👧".as_bytes(),
            b"\xEF\xBB\xBF",
            b"\xF0\x9F",
            b"\0",
            b"id: 1",
            b"retry: 1",
            b"[DONE]",
            b"data: ",
            b": c",
        ])
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_events(
            fragments in prop::collection::vec(fragment(), 0..60),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let bytes: Vec<u8> = fragments.concat();
            let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            places.push(0);
            places.push(bytes.len());
            places.sort_unstable();
            let pieces: Vec<&[u8]> = places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            let whole = decode(&[&bytes]);
            prop_assert_eq!(&decode(&pieces), &whole);
            prop_assert_eq!(&decode(&single), &whole);
        }

        #[test]
        fn what_is_written_is_read(texts in prop::collection::vec("[^\r\n]{0,40}", 0..8), ending in 0..3usize) {
            let end = ["\n", "\r", "\r\n"][ending];
            let stream: String = texts.iter().map(|text| format!("data: {text}{end}{end}")).collect();
            let found: Vec<String> = decode(&[stream.as_bytes()]).into_iter().map(|event| event.data).collect();
            prop_assert_eq!(found, texts);
        }
    }
}
