//! A reading process that misbehaves in the way its first argument names, for the tests of the fence.
//!
//! `probe-free` and `probe-confined` try what a taken-over parser would try and report what they could do, the
//! first without the confinement as control.

use std::hint::black_box;
use std::io::{Read, Write};
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let way = std::env::args().nth(1).unwrap_or_default();
    let limits = ingest::Limits { memory_bytes: 256 << 20, cpu_seconds: 1, ..ingest::Limits::default() };
    match way.as_str() {
        "overflow" => {
            black_box(deeper(1));
        }
        "memory" => {
            ingest::fence::confine(&limits);
            let mut kept = Vec::new();
            loop {
                kept.push(black_box(vec![1_u8; 16 << 20]));
            }
        }
        "spin" => {
            ingest::fence::confine(&limits);
            let mut number = 0_u64;
            loop {
                number = black_box(number.wrapping_add(1));
            }
        }
        "sleep" => std::thread::sleep(std::time::Duration::from_secs(600)),
        "abort" => std::process::abort(),
        "status" => return ExitCode::from(7),
        "flood" => flood(),
        "lie" => {
            // Claims more bytes than it sends. The parent reads the pipe whatever becomes of this write.
            let _ = std::io::stdout().write_all(b"EWA1\xff\0\0\0\0\0\0\0{}");
        }
        "environment" => {
            let names: Vec<String> = std::env::vars().map(|(name, _)| name).collect();
            tell(&names.join(","));
        }
        "probe-free" => tell(&probe()),
        "probe-confined" => {
            ingest::fence::confine(&limits);
            tell(&probe());
        }
        _ => {}
    }
    ExitCode::SUCCESS
}

#[allow(unconditional_recursion)] // this is the misbehaviour
fn deeper(level: u64) -> u64 {
    let room = black_box([level; 64]);
    deeper(level + 1) + room[0]
}

fn flood() {
    let mut out = std::io::stdout().lock();
    while out.write_all(&[b'x'; 64 << 10]).is_ok() {}
}

/// What could be done, one letter each: open a file, write one, make a socket, start a process, start a thread.
fn probe() -> String {
    let mut done = String::new();
    let mut note = |letter: char, worked: bool| {
        if worked {
            done.push(letter);
        }
    };
    note('o', std::fs::File::open("/etc/hostname").is_ok() || std::fs::File::open("/etc/passwd").is_ok());
    let target = std::env::temp_dir().join(format!("edgewise-probe-{}", std::process::id()));
    note('w', std::fs::write(&target, b"x").is_ok());
    // It exists only in the control run.
    let _ = std::fs::remove_file(&target);
    note('s', std::net::UdpSocket::bind("127.0.0.1:0").is_ok());
    note('p', Command::new("/bin/true").status().is_ok());
    note('t', std::thread::Builder::new().spawn(|| ()).is_ok());
    done
}

/// Answers in the form of a refusal, so that the parent's own protocol carries the words.
fn tell(words: &str) {
    // The question comes first, as to a real child.
    let _ = std::io::stdin().read(&mut [0; 64]);
    let error = ingest::Error::Unreadable { reason: words.to_owned() };
    let json = serde_json::to_vec(&Err::<(), _>(error)).expect("an error is JSON");
    let mut out = std::io::stdout().lock();
    let length = (json.len() as u64).to_le_bytes();
    out.write_all(&[b"EWA1".as_slice(), &length, &json].concat()).expect("the parent reads");
}
