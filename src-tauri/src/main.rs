//! The program's entry; everything else is in the library, so that tests can reach it.
#![cfg_attr(all(not(debug_assertions), windows), windows_subsystem = "windows")]

fn main() -> std::process::ExitCode {
    // The reader of documents is this program again, in a process that is not trusted with anything else.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == "--read-document") {
        return ingest::fence::child_main();
    }
    // Installed, `edgewise-cli` is this program too: one copy of everything instead of two.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == "--command-line") {
        let named = std::iter::once("edgewise-cli".into());
        return cli::run(named.chain(std::env::args_os().skip(2)));
    }
    edgewise::run()
}
