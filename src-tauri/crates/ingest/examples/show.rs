//! Prints how a file is read: `cargo run -p ingest --example show -- FILE [PASSWORD]`.

use std::io::Write;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().expect("a file");
    let password = arguments.next();
    let bytes = std::fs::read(&path).expect("the file can be read");
    let source = ingest::Source { name: &path, bytes: &bytes, password: password.as_deref() };
    let mut out = std::io::stdout().lock();
    let written = match ingest::read(&source, &ingest::Limits::default()) {
        Ok(reading) => {
            let summary =
                (reading.format, &reading.title, reading.pages, &reading.encoding, &reading.warnings);
            let sections = reading.sections.iter();
            let lines = sections.map(|s| {
                format!("[{:?} {:?} p{:?}]\n{}\n", s.kind, s.heading_path, s.page, reading.text_of(s))
            });
            writeln!(out, "{summary:?}\n{}", lines.collect::<String>())
        }
        Err(error) => writeln!(out, "{error:?}"),
    };
    written.expect("standard output is open");
}
