//! Files turned into Markdown by the service, for those that cannot be read here. Source: reference, section 7.

use crate::client::{Call, Client, LARGEST_JSON};
use crate::error::Error;
use crate::wire::{FormPart, Payload};
use bytes::Bytes;
use domain::{Task, Usage};
use reqwest::Method;
use serde_json::Value;
use std::time::Duration;

/// Pictures inside a file go through two models.
const PATIENCE: Duration = Duration::from_secs(180);

/// A file to convert.
#[derive(Debug, Clone, PartialEq)]
pub struct FileToConvert {
    /// Its name: the extension decides what it is taken for.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its content; keep to about 10 MB.
    pub bytes: Vec<u8>,
}

/// What became of one file.
#[derive(Debug, Clone, PartialEq)]
pub struct Converted {
    /// The file's name.
    pub name: String,
    /// The text, or why there is none: a file that failed does not fail the call.
    pub text: Result<String, String>,
    /// Its length in tokens, as the service counts.
    pub tokens: Option<u32>,
}

/// A format that the service converts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConvertibleFormat {
    /// With its dot: `.pdf`.
    pub extension: String,
    /// Its media type.
    pub media_type: String,
}

impl Client {
    /// Converts files to Markdown, in one call. `options` is the service's `conversionOptions`, if any.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] without files; everything of the wire. Pictures cost neurons, so it is repeated only where
    /// nothing can be billed twice.
    pub async fn to_markdown(
        &self,
        files: &[FileToConvert],
        options: Option<&Value>,
    ) -> Result<(Vec<Converted>, Usage), Error> {
        if files.is_empty() {
            return Err(Error::InvalidInput("there is no file to convert".to_owned()));
        }
        let mut parts: Vec<FormPart> = files.iter().map(part).collect();
        parts.extend(options.map(|options| FormPart::text("conversionOptions", options)));
        let request = self.account_request(Method::POST, "ai/tomarkdown", Payload::Form(parts))?;
        let call = Call::new(self, request, Task::Other).at_most(4 * LARGEST_JSON).costly(PATIENCE);
        let answered = self.json(&call).await?;
        let list = answered
            .value
            .as_array()
            .ok_or_else(|| Error::AnswerMalformed("it is no list of files".to_owned()))?;
        let converted = list.iter().map(converted).collect();
        Ok((converted, Usage { neurons: answered.neurons, ..Usage::default() }))
    }

    /// The formats that the service converts at present.
    ///
    /// # Errors
    /// Everything of the wire.
    pub async fn conversion_formats(&self) -> Result<Vec<ConvertibleFormat>, Error> {
        let request = self.account_request(Method::GET, "ai/tomarkdown/supported", Payload::Nothing)?;
        let answered = self.json(&Call::new(self, request, Task::Other)).await?;
        let list = answered.value.as_array().map(Vec::as_slice).unwrap_or_default();
        let format = |entry: &Value| {
            let text = |key: &str| entry.get(key)?.as_str().map(str::to_owned);
            Some(ConvertibleFormat {
                extension: text("extension")?,
                media_type: text("mimeType").unwrap_or_default(),
            })
        };
        Ok(list.iter().filter_map(format).collect())
    }
}

fn part(file: &FileToConvert) -> FormPart {
    FormPart {
        name: "files".to_owned(),
        file_name: Some(file.name.clone()),
        media_type: Some(file.media_type.clone()).filter(|media_type| !media_type.is_empty()),
        bytes: Bytes::from(file.bytes.clone()),
    }
}

fn converted(entry: &Value) -> Converted {
    let text = |key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
    let failed = text("format").as_deref() == Some("error");
    let said = if failed { None } else { text("data") };
    Converted {
        name: text("name").unwrap_or_default(),
        text: said.ok_or_else(|| text("error").unwrap_or_else(|| "the service gave no text".to_owned())),
        // A number, or a number in quotes.
        tokens: entry.get("tokens").and_then(|tokens| match tokens {
            Value::String(digits) => digits.parse().ok(),
            other => u32::try_from(other.as_u64()?).ok(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Answer, Server};
    use serde_json::json;

    #[tokio::test(start_paused = true)]
    async fn a_file_that_failed_does_not_fail_the_call() {
        let answer = json!({ "success": true, "result": [
            { "id": "a1", "name": "report.pdf", "format": "markdown", "tokens": "912", "data": "# Report" },
            { "id": "a2", "name": "broken.docx", "format": "error", "error": "damaged" } ] });
        let server = Server::answering(vec![Answer::json(&answer)]);
        let file = |name: &str| FileToConvert {
            name: name.into(),
            media_type: "application/pdf".into(),
            bytes: vec![1],
        };
        let files = [file("report.pdf"), file("broken.docx")];
        let (converted, _) =
            testing::client(&server).to_markdown(&files, Some(&json!({ "pdf": {} }))).await.unwrap();
        assert_eq!((converted[0].text.clone(), converted[0].tokens), (Ok("# Report".into()), Some(912)));
        assert_eq!(converted[1].text, Err("damaged".into()));
        let Payload::Form(parts) = server.seen()[0].request.payload.clone() else { panic!() };
        let names: Vec<_> =
            parts.iter().map(|part| (part.name.as_str(), part.file_name.as_deref())).collect();
        assert_eq!(
            names,
            [("files", Some("report.pdf")), ("files", Some("broken.docx")), ("conversionOptions", None)]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_formats_are_asked_for() {
        let answer =
            json!({ "success": true, "result": [{ "extension": ".pdf", "mimeType": "application/pdf" }] });
        let server = Server::answering(vec![Answer::json(&answer)]);
        let formats = testing::client(&server).conversion_formats().await.unwrap();
        assert_eq!(
            formats,
            [ConvertibleFormat { extension: ".pdf".into(), media_type: "application/pdf".into() }]
        );
    }
}
