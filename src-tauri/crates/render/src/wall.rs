//! The second wall: what `writer` made goes through `ammonia` with a short list of our own, as if it came from a stranger.
//!
//! Nothing here trusts the writer. Depth and length are capped before `ammonia`, whose time grows with the square of
//! the nesting depth (48 KB of `>` took it 38 s).

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};

use crate::code::HIGHLIGHTS;
use crate::links::{link_address, picture_address};

/// Deepest nesting of elements that is shown as HTML.
pub const MAX_DEPTH: usize = 100;

/// Longest HTML that goes to `ammonia`, in bytes.
pub const MAX_HTML: usize = 1024 * 1024;

/// What every link carries.
const REL: &str = "noopener noreferrer nofollow";

/// Elements of text. Absent on purpose: img, map, area, svg, style, form parts, media, frames.
const TAGS: [&str; 32] = [
    "a",
    "blockquote",
    "br",
    "cite",
    "code",
    "del",
    "div",
    "em",
    "figcaption",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "span",
    "strong",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
    "math",
];

/// Elements of formulas. Absent on purpose: annotation-xml, mglyph, maction, which change how the rest is parsed or act.
const MATHS_TAGS: [&str; 25] = [
    "menclose",
    "merror",
    "mfrac",
    "mi",
    "mmultiscripts",
    "mn",
    "mo",
    "mover",
    "mpadded",
    "mphantom",
    "mprescripts",
    "mroot",
    "mrow",
    "ms",
    "mspace",
    "msqrt",
    "mstyle",
    "msub",
    "msubsup",
    "msup",
    "mtable",
    "mtd",
    "mtext",
    "mtr",
    "munder",
];

/// One more formula element; kept apart because arrays have a length.
const UNDEROVER: &str = "munderover";

const MATHS_ATTRIBUTES: [&str; 24] = [
    "accent",
    "accentunder",
    "columnspan",
    "depth",
    "display",
    "displaystyle",
    "fence",
    "form",
    "height",
    "largeop",
    "linethickness",
    "lspace",
    "mathvariant",
    "maxsize",
    "minsize",
    "movablelimits",
    "notation",
    "rowspan",
    "rspace",
    "scriptlevel",
    "separator",
    "stretchy",
    "symmetric",
    "width",
];

/// Classes that pulldown-latex gives to table cells and rows of formulas.
const MATHS_CLASSES: [&str; 18] = [
    "cell-left",
    "cell-right",
    "menv-align",
    "menv-alignlike",
    "menv-arraylike",
    "menv-border-only",
    "menv-cases",
    "menv-cells-left",
    "menv-cells-right",
    "menv-hdashline",
    "menv-hline",
    "menv-left-dashed",
    "menv-left-solid",
    "menv-multline",
    "menv-nonumber",
    "menv-right-dashed",
    "menv-right-solid",
    "menv-with-eqn",
];

/// Attributes beside `class`, per element.
const ATTRIBUTES: [(&str, &[&str]); 5] = [
    ("a", &["href"]),
    ("cite", &["data-n"]),
    ("figure", &["data-lang"]),
    ("ol", &["start"]),
    ("span", &["data-url"]),
];

/// Classes, per element.
const CLASSES: [(&str, &[&str]); 12] = [
    ("code", &["math"]),
    ("div", &["table", "footnote"]),
    ("figure", &["code"]),
    ("li", &["task-item"]),
    ("math", &["math-inline", "math-block"]),
    ("p", &["plain"]),
    ("pre", &["raw"]),
    ("span", &["picture-chip", "task", "done", "footnote-label"]),
    ("sup", &["footnote-ref"]),
    ("td", &["left", "center", "right"]),
    ("th", &["left", "center", "right"]),
    ("ul", &["tasks"]),
];

/// All elements, for a quick look.
static KNOWN: LazyLock<HashSet<&str>> =
    LazyLock::new(|| TAGS.into_iter().chain(MATHS_TAGS).chain([UNDEROVER]).collect());

fn is_maths(tag: &str) -> bool {
    tag == "math" || tag.starts_with('m') && (tag == UNDEROVER || MATHS_TAGS.contains(&tag))
}

fn is_class(tag: &str, class: &str) -> bool {
    if tag == "span" && class.starts_with("hl-") {
        return HIGHLIGHTS.contains(&class);
    }
    let listed = CLASSES.iter().any(|(of, classes)| *of == tag && classes.contains(&class));
    listed
        || (tag == "span" && HIGHLIGHTS.contains(&class))
        || (is_maths(tag) && MATHS_CLASSES.contains(&class))
}

fn is_attribute(tag: &str, name: &str) -> bool {
    ATTRIBUTES.iter().any(|(of, names)| *of == tag && names.contains(&name))
        || (is_maths(tag) && MATHS_ATTRIBUTES.contains(&name))
}

/// Whether an attribute may have this value, whatever its element.
fn is_value(name: &str, value: &str) -> bool {
    match name {
        "href" => link_address(value).is_some(),
        "data-url" => picture_address(value).is_some(),
        "data-n" | "start" => !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()),
        _ => true,
    }
}

static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let tags = KNOWN.clone();
    let attributes: HashMap<&str, HashSet<&str>> = tags
        .iter()
        .map(|tag| {
            let own =
                ATTRIBUTES.iter().filter(|(of, _)| of == tag).flat_map(|(_, names)| names.iter().copied());
            let maths = MATHS_ATTRIBUTES.into_iter().filter(|_| is_maths(tag));
            (*tag, own.chain(maths).collect())
        })
        .collect();
    let classes: HashMap<&str, HashSet<&str>> = tags
        .iter()
        .map(|tag| {
            let all = CLASSES.iter().flat_map(|(_, classes)| classes.iter().copied());
            (*tag, all.chain(HIGHLIGHTS).chain(MATHS_CLASSES).filter(|class| is_class(tag, class)).collect())
        })
        .collect();
    let mut cleaner = Builder::empty();
    cleaner
        .tags(tags)
        .tag_attributes(attributes)
        .allowed_classes(classes)
        .clean_content_tags(HashSet::from(["script", "style", "title", "noscript", "template"]))
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some(REL))
        .attribute_filter(|_, name, value| is_value(name, value).then_some(Cow::Borrowed(value)));
    cleaner
});

/// The HTML with everything removed that is not on the lists. `None` when it is too deep or too long to look at.
#[must_use]
pub fn clean(html: &str) -> Option<String> {
    (html.len() <= MAX_HTML && depth(html) <= MAX_DEPTH).then(|| CLEANER.clean(html).to_string())
}

/// Nesting depth as a count of tags without regard to their names; never less than what a parser makes of it, but for
/// what it closes or implies by itself.
fn depth(html: &str) -> usize {
    let bytes = html.as_bytes();
    let mut depth = 0_usize;
    let mut deepest = 0;
    for (at, _) in html.match_indices('<') {
        match bytes.get(at + 1) {
            Some(b'/') => depth = depth.saturating_sub(1),
            Some(byte) if byte.is_ascii_alphabetic() => {
                let rest = &html[at + 1..];
                if !(rest.starts_with("br>") || rest.starts_with("hr>")) {
                    depth += 1;
                }
            }
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Whether `html` is already clean: every tag, attribute, class and value on the lists, quoted and nested as the writer
/// does it. Stricter than [`clean`] and much faster; the open tail of a stream is checked so, thirty times a second.
#[must_use]
pub fn is_clean(html: &str) -> bool {
    html.len() <= MAX_HTML && nests_cleanly(html).is_some()
}

fn nests_cleanly(html: &str) -> Option<()> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let (tag, after) = rest[at + 1..].split_once('>')?;
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            (open.pop()? == name).then_some(())?;
            continue;
        }
        let name = tag.split(' ').next()?;
        KNOWN.contains(name).then_some(())?;
        clean_attributes(name, &tag[name.len()..])?;
        if !matches!(name, "br" | "hr") {
            open.push(name);
            (open.len() <= MAX_DEPTH).then_some(())?;
        }
    }
    open.is_empty().then_some(())
}

fn clean_attributes(tag: &str, mut attributes: &str) -> Option<()> {
    while !attributes.is_empty() {
        let (name, rest) = attributes.strip_prefix(' ')?.split_once("=\"")?;
        let (value, after) = rest.split_once('"')?;
        attributes = after;
        let fine = match name {
            "class" => value.split(' ').all(|class| is_class(tag, class)),
            "rel" => tag == "a" && value == REL,
            _ => is_attribute(tag, name) && is_value(name, &value.replace("&amp;", "&")),
        };
        fine.then_some(())?;
    }
    Some(())
}
