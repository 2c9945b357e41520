//! Highlighted code: syntect's scopes, reduced to twelve classes that the interface gives a colour each.
//!
//! The grammars (compressed in the binary) are read at the first code block, not at start, and the expressions of a
//! language are compiled when it is first used: 0.1 to 0.4 s each, once per launch. [`warm_up`] pays for the usual ones
//! before an answer needs them.

use std::sync::{LazyLock, Once};

use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

use crate::escape_into;

/// Longest code that is highlighted, in bytes. Longer code is shown without colours.
pub const MAX_CODE: usize = 48 * 1024;

/// Longest line that is highlighted, in bytes: grammars are slow on minified code.
pub const MAX_LINE: usize = 1024;

static GRAMMARS: LazyLock<SyntaxSet> = LazyLock::new(SyntaxSet::load_defaults_newlines);

/// Scope prefixes and the class that each gets, most particular first.
const CLASSES: [(&str, &str); 38] = [
    ("comment", "hl-comment"),
    ("punctuation.definition.comment", "hl-comment"),
    ("constant.character.escape", "hl-constant"),
    ("punctuation.definition.string", "hl-string"),
    ("string", "hl-string"),
    ("constant.numeric", "hl-number"),
    ("constant", "hl-constant"),
    ("variable.language", "hl-constant"),
    ("support.constant", "hl-constant"),
    ("entity.name.function", "hl-function"),
    ("support.function", "hl-function"),
    ("variable.function", "hl-function"),
    ("meta.function-call.generic", "hl-function"),
    ("support.macro", "hl-function"),
    ("entity.name.tag", "hl-tag"),
    ("punctuation.definition.tag", "hl-tag"),
    ("entity.other.attribute-name", "hl-attribute"),
    ("meta.annotation", "hl-attribute"),
    ("variable.annotation", "hl-attribute"),
    ("support.type.property-name", "hl-attribute"),
    ("meta.mapping.key", "hl-attribute"),
    ("entity.name.class", "hl-type"),
    ("entity.name.struct", "hl-type"),
    ("entity.name.enum", "hl-type"),
    ("entity.name.trait", "hl-type"),
    ("entity.name.impl", "hl-type"),
    ("entity.name.type", "hl-type"),
    ("entity.other.inherited-class", "hl-type"),
    ("support.class", "hl-type"),
    ("support.type", "hl-type"),
    ("storage.type.function", "hl-keyword"),
    ("storage", "hl-keyword"),
    ("keyword.operator", "hl-operator"),
    ("keyword", "hl-keyword"),
    ("markup.inserted", "hl-inserted"),
    ("markup.deleted", "hl-deleted"),
    ("markup.heading", "hl-keyword"),
    ("entity.name.section", "hl-keyword"),
];

/// The twelve classes, without repetition: what `wall` lets pass and the interface gives colours.
pub const HIGHLIGHTS: [&str; 12] = [
    "hl-attribute",
    "hl-comment",
    "hl-constant",
    "hl-deleted",
    "hl-function",
    "hl-inserted",
    "hl-keyword",
    "hl-number",
    "hl-operator",
    "hl-string",
    "hl-tag",
    "hl-type",
];

static SCOPES: LazyLock<Vec<(Scope, &'static str)>> = LazyLock::new(|| {
    CLASSES.iter().filter_map(|(prefix, class)| Some((Scope::new(prefix).ok()?, *class))).collect()
});

/// What answers are mostly written in, each with enough of it that its expressions are compiled.
const USUAL: [(&str, &str); 5] = [
    (
        "js",
        "import a from 'a';\nexport default { async f(x) { const y = `a${x}`; return new B(y, { c: 1 }); } };\n",
    ),
    ("python", "import os\n@a\ndef f(x: int = 1) -> str:\n    return f\"{x}\"\nclass A(B):\n    pass\n"),
    ("bash", "curl -X POST https://a -H \"B: $C\" | jq .\nfor i in 1 2; do echo $i; done\n"),
    ("rust", "use a::b;\nfn main() { println!(\"{}\", 1); }\nimpl<'a> A<'a> { fn f(&self) -> u32 { 1 } }\n"),
    ("json", "{\"a\": [1, true, \"b\"]}\n"),
];

/// Reads the grammars and compiles the usual languages, once per process. Blocking: a second or so of work for a thread
/// of its own.
pub fn warm_up() {
    static WARM: Once = Once::new();
    WARM.call_once(|| {
        for (language, code) in USUAL {
            push(&mut String::new(), code, Some(language));
        }
    });
}

/// The language of a fence as it may stand in the page: the first word of the info string, if it looks like one.
#[must_use]
pub fn language(info: &str) -> Option<&str> {
    let word = info.split([' ', ',', '\t', '{']).next()?;
    let plausible = |c: char| c.is_alphanumeric() || "+#._-".contains(c);
    (!word.is_empty() && word.len() <= 32 && word.chars().all(plausible)).then_some(word)
}

/// Appends `code`, highlighted if its language is known and it is short enough, else only escaped.
pub(crate) fn push(html: &mut String, code: &str, language: Option<&str>) {
    let grammar = language.filter(|_| code.len() <= MAX_CODE).and_then(grammar);
    let Some(grammar) = grammar else { return escape_into(html, code) };
    let start = html.len();
    if highlight(html, code, grammar).is_none() {
        html.truncate(start);
        escape_into(html, code);
    }
}

/// The grammar of a language, by the names that models write.
fn grammar(language: &str) -> Option<&'static SyntaxReference> {
    let lower = language.to_lowercase();
    let token = match lower.as_str() {
        "ts" | "tsx" | "typescript" | "jsx" | "mjs" | "cjs" | "node" | "json5" => "js",
        "jsonc" | "jsonl" | "ndjson" | "webmanifest" => "json",
        "shell" | "console" | "terminal" | "zsh" | "ksh" | "fish" | "shellsession" => "bash",
        "c++" | "cxx" | "cuda" | "arduino" => "cpp",
        "csharp" | "c#" | "dotnet" => "cs",
        "golang" => "go",
        "py3" | "python3" | "ipython" | "starlark" => "python",
        "kotlin" | "kt" | "dart" => "java",
        "swift" => "rust",
        "objectivec" | "objc" => "m",
        "svelte" | "vue" | "astro" => "html",
        "svg" | "plist" => "xml",
        "scss" | "less" => "css",
        "postgresql" | "mysql" | "sqlite" | "plsql" => "sql",
        "mermaid" | "text" | "txt" | "plain" | "plaintext" | "output" | "log" => return None,
        other => other,
    };
    GRAMMARS.find_syntax_by_token(token)
}

/// Appends `code` in spans. `None` when a line is too long or the grammar fails.
fn highlight(html: &mut String, code: &str, grammar: &SyntaxReference) -> Option<()> {
    let mut state = ParseState::new(grammar);
    let mut stack = ScopeStack::new();
    let mut spans = Spans { html, open: None, gap: String::new() };
    for line in code.split_inclusive('\n') {
        if line.len() > MAX_LINE {
            return None;
        }
        // The grammars expect each line to end with a newline.
        let ended;
        let fed = if line.ends_with('\n') {
            line
        } else {
            ended = format!("{line}\n");
            &ended
        };
        let changes = state.parse_line(fed, &GRAMMARS).ok()?;
        let mut from = 0;
        for (at, change) in &changes {
            let at = (*at).min(line.len());
            spans.push(&line[from..at], class(&stack));
            from = at;
            stack.apply(change).ok()?;
        }
        spans.push(&line[from..], class(&stack));
    }
    spans.close();
    Some(())
}

/// The class of the innermost scope that has one.
fn class(stack: &ScopeStack) -> Option<&'static str> {
    let of = |scope: &Scope| {
        SCOPES.iter().find(|(prefix, _)| prefix.is_prefix_of(*scope)).map(|(_, class)| *class)
    };
    stack.as_slice().iter().rev().find_map(of)
}

/// Writes runs of text, joining neighbours of one class; white space between two classes stays outside.
struct Spans<'a> {
    html: &'a mut String,
    open: Option<&'static str>,
    /// White space that belongs to the open span only if that goes on.
    gap: String,
}

impl Spans<'_> {
    fn push(&mut self, text: &str, class: Option<&'static str>) {
        let words = text.trim_end();
        if !words.is_empty() {
            if self.open == class {
                self.html.push_str(&self.gap);
                self.gap.clear();
            } else {
                self.close();
                if let Some(class) = class {
                    self.html.push_str("<span class=\"");
                    self.html.push_str(class);
                    self.html.push_str("\">");
                    self.open = Some(class);
                }
            }
            escape_into(self.html, words);
        }
        self.gap.push_str(&text[words.len()..]);
    }

    fn close(&mut self) {
        if self.open.take().is_some() {
            self.html.push_str("</span>");
        }
        self.html.push_str(&self.gap);
        self.gap.clear();
    }
}
