//! Reading: one function per family of formats, one place that chooses among them.

mod archive;
pub(crate) mod code;
mod docx;
mod email;
mod epub;
mod html;
mod json;
mod markdown;
mod odf;
mod outlook;
mod pdf;
mod pptx;
mod relations;
mod rtf;
mod sheets;
mod subtitles;
pub(crate) mod table;
mod text;
mod xml;

use crate::{Error, Format, Limits, Measure, Reading, Warning, encoding, format, writer::Writer};

/// A document to read.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// Its file name; used only where the bytes leave a choice, and for the language of source code.
    pub name: &'a str,
    /// All its bytes.
    pub bytes: &'a [u8],
    /// The password, where the person gave one.
    pub password: Option<&'a str>,
}

// The password must not reach a log through a `{:?}` of its source.
impl std::fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source")
            .field("name", &self.name)
            .field("bytes", &self.bytes.len())
            .field("password", &self.password.map(|_| "••••"))
            .finish()
    }
}

/// Reads a document in this process.
///
/// Libraries inside may panic or overflow the stack on hostile files; everything but tests goes through
/// [`crate::fence`].
///
/// # Errors
/// Every [`Error`] that is about the document itself; none is about its neighbours.
pub fn read(source: &Source<'_>, limits: &Limits) -> Result<Reading, Error> {
    if source.bytes.len() as u64 > limits.file_bytes {
        return Err(Error::TooLarge { what: Measure::FileBytes, limit: limits.file_bytes });
    }
    let format = format::probe(source.bytes, source.name);
    let mut writer = Writer::new(limits);
    if let Some(extension) = contradicting_extension(source.name, format) {
        writer.warnings.push(Warning::ExtensionDiffers { extension });
    }
    dispatch(format, source, limits, &mut writer)?;
    writer.finish(format)
}

fn dispatch(format: Format, source: &Source<'_>, limits: &Limits, writer: &mut Writer) -> Result<(), Error> {
    let bytes = source.bytes;
    match format {
        Format::Pdf => pdf::read(bytes, source.password, writer),
        Format::Docx => docx::read(bytes, limits, writer),
        Format::Pptx => pptx::read(bytes, limits, writer),
        Format::Odt | Format::Odp => odf::read(bytes, format, limits, writer),
        Format::Epub => epub::read(bytes, limits, writer),
        Format::Xlsx | Format::Xlsb | Format::Xls | Format::Ods => {
            sheets::read(bytes, format, limits, writer)
        }
        Format::Email => email::read(bytes, limits, writer),
        Format::Mbox => email::read_mailbox(bytes, limits, writer),
        Format::OutlookMessage => outlook::read(bytes, limits, writer),
        Format::Rtf => rtf::read(bytes, limits, writer),
        Format::EncryptedOffice => Err(Error::Encrypted { wrong_password: source.password.is_some() }),
        Format::Empty => Err(Error::Empty),
        Format::Binary => Err(Error::FormatUnknown),
        plain if plain.is_plain() => read_plain(plain, source, limits, writer),
        other => Err(Error::NotReadable { format: other }),
    }
}

/// The formats that are text: decoded once, here.
fn read_plain(
    format: Format,
    source: &Source<'_>,
    limits: &Limits,
    writer: &mut Writer,
) -> Result<(), Error> {
    let declared = match format {
        Format::Html | Format::Xml => html::declared_encoding(source.bytes),
        _ => None,
    };
    let decoded = encoding::decode(source.bytes, declared.as_deref())?;
    if decoded.guessed {
        writer.warnings.push(Warning::EncodingGuessed { encoding: decoded.encoding.clone() });
    }
    if decoded.replaced > 0 {
        writer.warnings.push(Warning::CharactersReplaced { count: decoded.replaced });
    }
    writer.encoding = Some(decoded.encoding);
    let text = decoded.text.as_str();
    match format {
        Format::Html => html::read(text, html::Part::Article, writer),
        Format::Markdown => markdown::read(text, writer),
        Format::Csv | Format::Tsv => table::read(text, writer),
        Format::Json => json::read(text, writer),
        Format::JsonLines => json::read_lines(text, writer),
        Format::Xml => return xml::read_generic(text, limits, writer),
        Format::Code => code::read(text, source.name, writer),
        Format::Srt | Format::Vtt => subtitles::read(text, writer),
        _ => text::read(text, writer),
    }
    Ok(())
}

/// An extension that belongs to another family than the contents, such as a picture named `.md`.
fn contradicting_extension(name: &str, format: Format) -> Option<String> {
    let extension = format::extension(name);
    let fits: &[&str] = match format {
        Format::Pdf => &["pdf", "ai"],
        Format::Docx => &["docx", "docm", "dotx", "dotm"],
        Format::Pptx => &["pptx", "pptm", "ppsx", "potx", "ppsm"],
        Format::Xlsx => &["xlsx", "xlsm", "xltx", "xltm"],
        Format::Odt => &["odt", "ott", "fodt"],
        Format::Odp => &["odp", "otp", "odg"],
        Format::Epub => &["epub"],
        Format::Rtf => &["rtf", "doc"],
        _ => return None,
    };
    (!extension.is_empty() && !fits.contains(&extension.as_str())).then_some(extension)
}
