//! Source code, by its extension; the text is kept to the letter.

use crate::{SectionKind, format, writer::Writer};

pub(crate) fn read(text: &str, name: &str, writer: &mut Writer) {
    let language = language_of_file(name).or_else(|| interpreter(text));
    let text = writer.whole(text);
    let kind = SectionKind::Code { language: language.map(str::to_owned) };
    writer.mark(kind, 0..text.len());
}

/// The language of a file by its name.
pub(crate) fn language_of_file(name: &str) -> Option<&'static str> {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    match file.to_ascii_lowercase().as_str() {
        "makefile" | "gnumakefile" => Some("makefile"),
        "dockerfile" | "containerfile" => Some("dockerfile"),
        "cmakelists.txt" => Some("cmake"),
        "jenkinsfile" => Some("groovy"),
        "rakefile" | "gemfile" => Some("ruby"),
        _ => language(&format::extension(name)),
    }
}

/// The language of a script by its first line.
fn interpreter(text: &str) -> Option<&'static str> {
    let line = text.lines().next()?.strip_prefix("#!")?;
    let program = line.split_whitespace().rev().find_map(|word| word.rsplit('/').next())?;
    ["python", "node", "ruby", "perl", "bash", "sh", "php", "lua"]
        .into_iter()
        .find(|known| program.starts_with(known))
        .map(|known| match known {
            "node" => "javascript",
            "sh" => "bash",
            other => other,
        })
}

/// The language of an extension in lower case.
pub(crate) fn language(extension: &str) -> Option<&'static str> {
    Some(match extension {
        "rs" => "rust",
        "py" | "pyi" | "pyw" => "python",
        "js" | "mjs" | "cjs" | "jsx" => "javascript",
        "ts" | "mts" | "cts" | "tsx" => "typescript",
        "svelte" => "svelte",
        "vue" => "vue",
        "go" => "go",
        "c" | "h" => "c",
        "cc" | "cpp" | "cxx" | "hpp" | "hh" | "hxx" | "ino" => "cpp",
        "cs" => "csharp",
        "java" => "java",
        "kt" | "kts" => "kotlin",
        "swift" => "swift",
        "m" | "mm" => "objective-c",
        "rb" => "ruby",
        "php" => "php",
        "pl" | "pm" => "perl",
        "lua" => "lua",
        "r" => "r",
        "jl" => "julia",
        "scala" | "sc" => "scala",
        "clj" | "cljs" | "edn" => "clojure",
        "ex" | "exs" => "elixir",
        "erl" | "hrl" => "erlang",
        "hs" => "haskell",
        "ml" | "mli" => "ocaml",
        "fs" | "fsx" => "fsharp",
        "dart" => "dart",
        "zig" => "zig",
        "nim" => "nim",
        "v" | "sv" => "verilog",
        "sh" | "bash" | "zsh" | "fish" => "bash",
        "ps1" | "psm1" => "powershell",
        "bat" | "cmd" => "batch",
        "sql" => "sql",
        "css" | "scss" | "sass" | "less" => "css",
        "yaml" | "yml" => "yaml",
        "toml" => "toml",
        "ini" | "cfg" | "conf" | "properties" | "env" => "ini",
        "proto" => "protobuf",
        "graphql" | "gql" => "graphql",
        "tf" | "hcl" => "hcl",
        "nix" => "nix",
        "gradle" | "groovy" => "groovy",
        "asm" | "s" => "assembly",
        "cmake" => "cmake",
        "mk" => "makefile",
        "diff" | "patch" => "diff",
        "bib" => "bibtex",
        "lisp" | "el" | "scm" => "lisp",
        "sol" => "solidity",
        "vb" | "bas" => "basic",
        "pas" => "pascal",
        "f" | "f90" | "for" => "fortran",
        _ => return None,
    })
}
