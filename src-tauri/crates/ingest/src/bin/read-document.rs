//! The reading process by itself, for tests and measurements: the shell and the command line run the same
//! function of their own binaries.

fn main() -> std::process::ExitCode {
    ingest::fence::child_main()
}
