//! The command line as a program of its own. What is installed has it inside the window's program, as `edgewise --command-line`.

fn main() -> std::process::ExitCode {
    // The reader of documents is this program again, in a process that is not trusted with anything else.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == "--read-document") {
        return ingest::fence::child_main();
    }
    cli::run(std::env::args_os())
}
