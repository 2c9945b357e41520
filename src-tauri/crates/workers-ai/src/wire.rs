//! Requests out, answers in, with time limits and size limits. The only file that holds a connection.
//!
//! Logged are method, host, path, status and time; never a body, a query or a header.

use crate::error::{Error, Waited};
use crate::network::{failed_to_read, failed_to_send};
use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use url::Url;

/// A line so slow that less goes through is no line: uploads get this much time on top.
const SLOWEST_UPLOAD: u64 = 32 * 1024;

/// A request that can be sent more than once.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Payload,
}

/// The body of a request.
#[derive(Debug, Clone)]
pub(crate) enum Payload {
    Nothing,
    Json(Bytes),
    Binary { bytes: Bytes, media_type: String },
    Form(Vec<FormPart>),
}

/// A field or a file of `multipart/form-data`.
#[derive(Debug, Clone)]
pub(crate) struct FormPart {
    pub(crate) name: String,
    pub(crate) file_name: Option<String>,
    pub(crate) media_type: Option<String>,
    pub(crate) bytes: Bytes,
}

impl FormPart {
    pub(crate) fn text(name: &str, value: impl ToString) -> Self {
        let bytes = Bytes::from(value.to_string().into_bytes());
        Self { name: name.to_owned(), file_name: None, media_type: None, bytes }
    }
}

impl Payload {
    pub(crate) fn json(value: &serde_json::Value) -> Self {
        Self::Json(Bytes::from(value.to_string().into_bytes()))
    }

    fn length(&self) -> u64 {
        let length = match self {
            Self::Nothing => 0,
            Self::Json(bytes) | Self::Binary { bytes, .. } => bytes.len(),
            Self::Form(parts) => parts.iter().map(|part| part.bytes.len()).sum(),
        };
        length as u64
    }
}

/// Where requests go.
#[derive(Clone)]
pub(crate) enum Wire {
    Network {
        http: reqwest::Client,
        connect: Duration,
    },
    #[cfg(test)]
    Scripted(script::Server),
}

/// The head of an answer, and its body to come.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) flow: Flow,
}

/// The body of an answer as it arrives. Dropping it closes the connection.
#[derive(Debug)]
pub(crate) struct Flow {
    body: Body,
    /// Until when the next byte has to be here. It stands in the struct and not in the call, so that a caller that asks
    /// again and again (beside a clock, in a `select!`) does not put it off.
    deadline: Instant,
    waited: Waited,
    idle: Duration,
}

#[derive(Debug)]
enum Body {
    Network(Box<reqwest::Response>),
    #[cfg(test)]
    Scripted(script::Body),
}

impl Wire {
    /// Sends a request and waits for the head of the answer. `first_byte` counts from here to the first byte of the body.
    pub(crate) async fn send(
        &self,
        request: &Request,
        first_byte: Duration,
        idle: Duration,
    ) -> Result<Reply, Error> {
        let started = Instant::now();
        let limit = first_byte + Duration::from_secs(request.payload.length() / SLOWEST_UPLOAD);
        let deadline = started + limit;
        let waited = Waited::FirstByte(limit);
        let sent = timeout_at(deadline, self.head(request)).await.unwrap_or(Err(Error::TimedOut(waited)));
        tracing::debug!(
            method = %request.method,
            host = request.url.host_str().unwrap_or_default(),
            path = request.url.path(),
            status = sent.as_ref().map_or(0, |(status, ..)| *status),
            ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "request"
        );
        let (status, headers, body) = sent?;
        Ok(Reply { status, headers, flow: Flow { body, deadline, waited, idle } })
    }

    async fn head(&self, request: &Request) -> Result<(u16, HeaderMap, Body), Error> {
        match self {
            Self::Network { http, connect } => {
                let response =
                    build(http, request).send().await.map_err(|error| failed_to_send(error, *connect))?;
                let (status, headers) = (response.status().as_u16(), response.headers().clone());
                Ok((status, headers, Body::Network(Box::new(response))))
            }
            #[cfg(test)]
            Self::Scripted(server) => {
                let (status, headers, body) = server.answer(request).await?;
                Ok((status, headers, Body::Scripted(body)))
            }
        }
    }
}

fn build(http: &reqwest::Client, request: &Request) -> reqwest::RequestBuilder {
    let builder = http.request(request.method.clone(), request.url.clone()).headers(request.headers.clone());
    match &request.payload {
        Payload::Nothing => builder,
        Payload::Json(bytes) => {
            builder.header(CONTENT_TYPE, HeaderValue::from_static("application/json")).body(bytes.clone())
        }
        Payload::Binary { bytes, media_type } => builder.header(CONTENT_TYPE, media_type).body(bytes.clone()),
        Payload::Form(parts) => {
            builder.multipart(parts.iter().fold(reqwest::multipart::Form::new(), with_part))
        }
    }
}

fn with_part(form: reqwest::multipart::Form, part: &FormPart) -> reqwest::multipart::Form {
    let length = part.bytes.len() as u64;
    let mut made = reqwest::multipart::Part::stream_with_length(part.bytes.clone(), length);
    if let Some(name) = &part.file_name {
        made = made.file_name(name.clone());
    }
    if let Some(media_type) = &part.media_type {
        let plain = reqwest::multipart::Part::stream_with_length(part.bytes.clone(), length);
        made = match made.mime_str(media_type) {
            Ok(made) => made,
            // The service goes by the file name; a media type that is none is left out.
            Err(_) => match &part.file_name {
                Some(name) => plain.file_name(name.clone()),
                None => plain,
            },
        };
    }
    form.part(part.name.clone(), made)
}

impl Flow {
    /// The next bytes; `None` at the end. Safe to drop and to call again.
    ///
    /// # Errors
    /// [`Error::TimedOut`] after silence, [`Error::StreamCut`] when the connection breaks.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let next = match &mut self.body {
            Body::Network(response) => {
                timeout_at(self.deadline, async { response.chunk().await.map_err(failed_to_read) }).await
            }
            #[cfg(test)]
            Body::Scripted(body) => timeout_at(self.deadline, body.chunk()).await,
        };
        let chunk = next.map_err(|_| Error::TimedOut(self.waited))??;
        self.deadline = Instant::now() + self.idle;
        self.waited = Waited::NextByte(self.idle);
        Ok(chunk)
    }

    /// From now on silence is borne only this long: the answer is whole, and only its closing words are missing.
    pub(crate) fn hurry(&mut self, idle: Duration) {
        if idle < self.idle {
            self.idle = idle;
            self.deadline = self.deadline.min(Instant::now() + idle);
        }
    }
}

impl Reply {
    /// The whole body, if it is not larger than `limit` bytes (after decompression).
    pub(crate) async fn read(&mut self, limit: usize) -> Result<Vec<u8>, Error> {
        let announced =
            self.header(CONTENT_LENGTH.as_str()).and_then(|length| length.parse::<usize>().ok()).unwrap_or(0);
        if announced > limit {
            return Err(Error::AnswerTooLarge { limit });
        }
        let mut bytes = Vec::with_capacity(announced.min(limit));
        while let Some(chunk) = self.flow.chunk().await? {
            if bytes.len() + chunk.len() > limit {
                return Err(Error::AnswerTooLarge { limit });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The media type, without parameters, in lower case.
    pub(crate) fn media_type(&self) -> String {
        let whole = self.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        whole.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// What the call cost, as the header says.
    pub(crate) fn neurons(&self) -> Option<f64> {
        let neurons: f64 = self.header("cf-ai-neurons")?.trim().parse().ok()?;
        (neurons.is_finite() && neurons >= 0.0).then_some(neurons)
    }
}

#[cfg(test)]
pub(crate) mod script;
