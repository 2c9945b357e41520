//! The control of `./dev test sanitize`: a read beyond the end of a buffer, planted here, is found by the sanitizer that
//! the other tests run under. Without one there is nothing to find it, and the test says so.

#![allow(clippy::unwrap_used, reason = "a test ends where something goes wrong")]
#![allow(clippy::print_stdout, reason = "that nothing was looked for is worth seeing")]
#![allow(unsafe_code, reason = "the fault must be one")]

use std::hint::black_box;
use std::process::Command;

const PLANTED: &str = "VECTOR_TABLE_PLANTED_FAULT";

#[test]
fn child_that_reads_beyond_the_end() {
    if std::env::var_os(PLANTED).is_none() {
        return;
    }
    let bytes = black_box(vec![7u8; 64]);
    // SAFETY: none; this is the fault. It is reached in the child only.
    let beyond = unsafe { bytes.as_ptr().add(black_box(64)).read_volatile() };
    println!("read {beyond}");
}

#[test]
fn a_read_beyond_the_end_is_found() {
    if std::env::var_os("EDGEWISE_SANITIZED").is_none() {
        println!("built without a sanitizer: nothing would be found (./dev test sanitize)");
        return;
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_that_reads_beyond_the_end", "--nocapture"])
        .env(PLANTED, "1")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&child.stderr);
    assert!(!child.status.success(), "the sanitizer ends the child");
    assert!(told.contains("AddressSanitizer: heap-buffer-overflow"), "and says why: {told}");
}
