//! LaTeX to MathML, through pulldown-latex.
//!
//! What it does not understand, and what could make it work without end (macro definitions), stays source text.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pulldown_latex::config::DisplayMode;
use pulldown_latex::{Parser, RenderConfig, Storage, push_mathml};

use crate::escape;

/// Longest formula that is converted, in bytes.
pub const MAX_SOURCE: usize = 4096;

/// Deepest nesting of braces that is converted: the converter recurses.
const MAX_BRACES: usize = 40;

/// Commands that define commands: a page of them can expand to gigabytes.
const DEFINING: [&str; 10] = [
    "\\def",
    "\\gdef",
    "\\edef",
    "\\xdef",
    "\\let",
    "\\futurelet",
    "\\newcommand",
    "\\renewcommand",
    "\\providecommand",
    "\\global",
];

/// Converted formulas of one text: while a paragraph is written, those at its beginning come again and again.
#[derive(Debug, Default)]
pub struct Formulas {
    known: HashMap<(String, bool), String>,
}

impl Formulas {
    /// Appends the formula as MathML, or as its source in a `<code class="math">` when it cannot be converted.
    pub(crate) fn push(&mut self, html: &mut String, source: &str, display: bool) {
        let converted = self.known.entry((source.to_owned(), display));
        html.push_str(
            converted.or_insert_with(|| mathml(source, display).unwrap_or_else(|| as_code(source))),
        );
    }
}

fn as_code(source: &str) -> String {
    format!("<code class=\"math\">{}</code>", escape(source))
}

/// The formula as `<math class="math-inline">` or `<math class="math-block">`.
fn mathml(source: &str, display: bool) -> Option<String> {
    if source.len() > MAX_SOURCE
        || too_deep(source)
        || DEFINING.iter().any(|command| source.contains(command))
    {
        return None;
    }
    // A formula is a model's output: a panic of the converter must not cost the answer.
    catch_unwind(AssertUnwindSafe(|| convert(source, display))).ok().flatten()
}

fn convert(source: &str, display: bool) -> Option<String> {
    let storage = Storage::new();
    let events: Vec<_> = Parser::new(source, &storage).collect::<Result<_, _>>().ok()?;
    let display_mode = if display { DisplayMode::Block } else { DisplayMode::Inline };
    let mut mathml = String::new();
    let events = events.into_iter().map(Ok::<_, std::convert::Infallible>);
    push_mathml(&mut mathml, events, RenderConfig { display_mode, ..RenderConfig::default() }).ok()?;
    let class = if display { "math-block" } else { "math-inline" };
    // The only elements that close themselves are spaces; the page's parser wants an end tag.
    let rest = mathml.strip_prefix("<math")?.replace(" />", "></mspace>");
    Some(format!("<math class=\"{class}\"{rest}"))
}

fn too_deep(source: &str) -> bool {
    let mut depth = 0_usize;
    source.bytes().any(|byte| {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > MAX_BRACES
    }) || source.matches("\\left").count() + source.matches("\\begin").count() > MAX_BRACES
}
