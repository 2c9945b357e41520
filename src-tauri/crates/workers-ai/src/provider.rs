//! Embeddings and reranking from any OpenAI-compatible provider: Jina, SiliconFlow, Ollama, and others, by address, model
//! and key. Source: reference, sections 3 and 15.

use crate::client::{Call, Client, Endpoint};
use crate::embeddings::{Embeddings, Ranked, Side, check_vectors, vector};
use crate::error::Error;
use crate::network::Network;
use crate::token::ApiToken;
use crate::wire::Payload;
use domain::{Task, Usage};
use reqwest::Method;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};

const LARGEST_VECTORS: usize = 128 * 1024 * 1024;

/// A provider. Cheap to clone; clones share its cooldown and its limits.
#[derive(Debug, Clone)]
pub struct Provider {
    client: Client,
    with_key: bool,
    is_jina: bool,
}

/// Texts for a provider's model.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderEmbedRequest {
    /// The provider's name for the model.
    pub model: String,
    /// The texts, none of them empty; as many as the provider takes at once.
    pub texts: Vec<String>,
    /// Their side; told to Jina, which knows the difference.
    pub side: Side,
    /// Cut the vectors to this length, where the model can.
    pub dimensions: Option<u32>,
}

impl Provider {
    /// A provider at an address that ends before `/embeddings`, e.g. `https://api.jina.ai/v1` or
    /// `http://localhost:11434/v1`. Without a key nothing is authorised, as Ollama has it.
    ///
    /// # Errors
    /// [`Error::Misconfigured`] for an address that a key may not be sent to, or a network setting that cannot be used.
    pub fn new(base_url: &str, key: Option<ApiToken>, network: &Network) -> Result<Self, Error> {
        let with_key = key.is_some();
        // Never sent: the header is taken out again.
        let token = match key {
            Some(key) => key,
            None => ApiToken::new("none")?,
        };
        let endpoint =
            Endpoint { base_url: base_url.to_owned(), account_id: String::new(), token, gateway: None };
        let client = if with_key {
            Client::new(endpoint, network)?
        } else {
            Client::without_secret(endpoint, network)?
        };
        Ok(Self::over(client, base_url, with_key))
    }

    fn over(client: Client, base_url: &str, with_key: bool) -> Self {
        Self { client, with_key, is_jina: base_url.contains("jina.ai") }
    }

    /// Embeds texts, in one request.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for an empty text, [`Error::AnswerMalformed`] for vectors that cannot be right; everything
    /// of the wire.
    pub async fn embed(&self, request: &ProviderEmbedRequest) -> Result<Embeddings, Error> {
        if request.texts.iter().any(|text| text.trim().is_empty()) {
            return Err(Error::InvalidInput("a text to embed is empty".to_owned()));
        }
        let mut body = json!({ "model": request.model, "input": request.texts, "encoding_format": "float" });
        if let Some(dimensions) = request.dimensions {
            body["dimensions"] = json!(dimensions);
        }
        if self.is_jina {
            self.speak_jina(request, &mut body);
        }
        let value = self.post("embeddings", &body).await?;
        let vectors = in_order(&value, request.texts.len())?;
        let dimensions = check_vectors(&vectors, request.texts.len())?;
        Ok(Embeddings { vectors, dimensions, usage: usage(&value) })
    }

    /// Jina has its own word for the format, and tells the sides apart from its third generation on.
    fn speak_jina(&self, request: &ProviderEmbedRequest, body: &mut Value) {
        if let Some(body) = body.as_object_mut() {
            body.remove("encoding_format");
        }
        body["embedding_type"] = json!("float");
        if !request.model.contains("-v2-") {
            body["task"] = match request.side {
                Side::Query => json!("retrieval.query"),
                Side::Document => json!("retrieval.passage"),
            };
        }
    }

    /// Scores passages against a query, best first; at most `top_k` of them.
    ///
    /// # Errors
    /// [`Error::AnswerMalformed`] for a passage that was not given; everything of the wire.
    pub async fn rerank(
        &self,
        model: &str,
        query: &str,
        passages: &[String],
        top_k: usize,
    ) -> Result<(Vec<Ranked>, Usage), Error> {
        if passages.is_empty() {
            return Ok((Vec::new(), Usage::default()));
        }
        let body = json!({ "model": model, "query": query, "documents": passages, "top_n": top_k.clamp(1, passages.len()), "return_documents": false });
        let value = self.post("rerank", &body).await?;
        let malformed = || Error::AnswerMalformed("these are no scores of the passages".to_owned());
        let rows = value.get("results").and_then(Value::as_array).ok_or_else(malformed)?;
        let rank = |row: &Value| {
            let index =
                usize::try_from(row.get("index")?.as_u64()?).ok().filter(|index| *index < passages.len())?;
            Some(Ranked { index, score: row.get("relevance_score")?.as_f64()? })
        };
        let mut ranked: Vec<Ranked> =
            rows.iter().map(|row| rank(row).ok_or_else(malformed)).collect::<Result<_, _>>()?;
        ranked.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.index.cmp(&b.index)));
        Ok((ranked, usage(&value)))
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, Error> {
        let mut request = self.client.request(Method::POST, path, Payload::json(body))?;
        if !self.with_key {
            request.headers.remove(AUTHORIZATION);
        }
        let call = Call::new(&self.client, request, Task::TextEmbeddings).at_most(LARGEST_VECTORS);
        Ok(self.client.json(&call).await?.value)
    }
}

/// The vectors by their `index`, which need not be the order of the list.
fn in_order(value: &Value, expected: usize) -> Result<Vec<Vec<f32>>, Error> {
    let malformed = || Error::AnswerMalformed("there are no vectors in it".to_owned());
    let rows = value.get("data").and_then(Value::as_array).ok_or_else(malformed)?;
    let mut placed: Vec<Option<Vec<f32>>> = vec![None; expected];
    for (at, row) in rows.iter().enumerate() {
        let place =
            row.get("index").and_then(Value::as_u64).map_or(at, |index| usize::try_from(index).unwrap_or(at));
        let figures = row.get("embedding").and_then(vector).ok_or_else(malformed)?;
        *placed.get_mut(place).ok_or_else(malformed)? = Some(figures);
    }
    placed.into_iter().map(|vector| vector.ok_or_else(malformed)).collect()
}

/// Tokens as told; a provider's bill is not counted in neurons.
fn usage(value: &Value) -> Usage {
    let usage = value.get("usage").unwrap_or(&Value::Null);
    let tokens = ["prompt_tokens", "total_tokens"].iter().find_map(|key| usage.get(*key)?.as_u64());
    Usage { input_tokens: tokens.and_then(|tokens| u32::try_from(tokens).ok()), ..Usage::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Answer, Server};

    fn request(model: &str) -> ProviderEmbedRequest {
        let texts = vec!["a".to_owned(), "b".to_owned()];
        ProviderEmbedRequest { model: model.to_owned(), texts, side: Side::Document, dimensions: Some(768) }
    }

    fn provider(server: &Server, base_url: &str, with_key: bool) -> Provider {
        Provider::over(testing::client(server), base_url, with_key)
    }

    fn answer() -> Answer {
        Answer::json(
            &json!({ "object": "list", "model": "m", "usage": { "total_tokens": 6, "prompt_tokens": 6 }, "data": [
            { "object": "embedding", "index": 1, "embedding": [0.5, -0.5] },
            { "object": "embedding", "index": 0, "embedding": [0.1, -0.2] } ] }),
        )
    }

    #[tokio::test(start_paused = true)]
    async fn vectors_come_in_the_order_of_the_texts() {
        let server = Server::answering(vec![answer()]);
        let ollama = provider(&server, "http://localhost:11434/v1", false);
        let found = ollama.embed(&request("nomic-embed-text")).await.unwrap();
        assert_eq!((found.vectors[0].clone(), found.dimensions), (vec![0.1, -0.2], 2));
        assert_eq!((found.usage.input_tokens, found.usage.neurons), (Some(6), None));
        let seen = &server.seen()[0];
        assert_eq!(seen.header("authorization"), None, "no key, no header");
        assert_eq!(
            seen.json(),
            json!({ "model": "nomic-embed-text", "input": ["a", "b"], "encoding_format": "float", "dimensions": 768 })
        );
    }

    #[tokio::test(start_paused = true)]
    async fn jina_is_told_the_side() {
        let server = Server::answering(vec![answer()]);
        let jina = provider(&server, "https://api.jina.ai/v1", true);
        jina.embed(&request("jina-embeddings-v3")).await.unwrap();
        let seen = &server.seen()[0];
        assert_eq!(seen.json()["task"], json!("retrieval.passage"));
        assert_eq!(seen.header("authorization"), Some("Bearer cfut_test"));
        jina.embed(&request("jina-embeddings-v2-base-en")).await.unwrap();
        assert!(server.seen()[1].json().get("task").is_none(), "the second generation knows no sides");
    }

    #[tokio::test(start_paused = true)]
    async fn passages_are_ranked() {
        let rows = json!({ "model": "m", "usage": { "total_tokens": 9 }, "results": [{ "index": 0, "relevance_score": 0.1 }, { "index": 1, "relevance_score": 0.95 }] });
        let server = Server::answering(vec![Answer::json(&rows)]);
        let passages = ["x".to_owned(), "y".to_owned()];
        let (ranked, usage) =
            provider(&server, "https://api.jina.ai/v1", true).rerank("r", "q", &passages, 2).await.unwrap();
        assert_eq!(ranked[0], Ranked { index: 1, score: 0.95 });
        assert_eq!(usage.input_tokens, Some(9));
    }

    #[test]
    fn a_key_is_not_sent_in_clear() {
        let key = || Some(ApiToken::new("jina_x").unwrap());
        assert!(Provider::new("https://api.jina.ai/v1", key(), &Network::default()).is_ok());
        assert!(Provider::new("http://localhost:11434/v1", None, &Network::default()).is_ok());
        assert!(Provider::new("http://10.0.0.5:11434/v1", key(), &Network::default()).is_err());
        assert!(
            Provider::new("http://10.0.0.5:11434/v1", None, &Network::default()).is_ok(),
            "there is nothing to lose"
        );
    }
}
