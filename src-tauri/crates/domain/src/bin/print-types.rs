//! Prints the interface's types to standard output; `./dev types` writes them to their file.

use std::io::Write;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(domain::typescript::declarations().as_bytes())
}
