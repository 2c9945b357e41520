//! Vectors for texts, and scores for passages. Source: reference, section 4.

use crate::client::{Answered, Call, Client};
use crate::error::Error;
use crate::prices::estimate_tokens;
use crate::wire::Payload;
use domain::{ModelId, Task, Usage};
use serde_json::{Value, json};

/// A hundred vectors of 2,048 figures are about 4 MiB of JSON.
const LARGEST_VECTORS: usize = 64 * 1024 * 1024;

/// Which side of a search a text stands on. Only some models tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What is searched for.
    Query,
    /// What is stored.
    Document,
}

/// How a `bge-*-en-v1.5` model makes one vector out of many. Vectors of the two kinds must never be mixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// The mean of all: the service's default.
    Mean,
    /// The first one: recommended.
    Cls,
}

/// Texts to embed.
#[derive(Debug, Clone, PartialEq)]
pub struct EmbedRequest {
    /// The model.
    pub model: ModelId,
    /// The texts, none of them empty. More than [`embedding_batch`] are sent in several requests.
    pub texts: Vec<String>,
    /// Their side.
    pub side: Side,
    /// Only for the models that [`has_pooling`]; ignored by the others.
    pub pooling: Option<Pooling>,
}

/// Vectors, one for each text, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Embeddings {
    /// The vectors, all of the same length, of finite figures.
    pub vectors: Vec<Vec<f32>>,
    /// Their length, as the answer has it: tables of models are not trusted on this.
    pub dimensions: usize,
    /// Tokens and neurons.
    pub usage: Usage,
}

/// A passage's place in the list that was given, and how well it answers the query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// Index into the passages.
    pub index: usize,
    /// Mostly 0 to 1; comparable within one call only.
    pub score: f64,
}

/// The most texts that a model takes in one request.
pub fn embedding_batch(model: &ModelId) -> usize {
    if model.as_str().starts_with("@cf/qwen/") { 32 } else { 100 }
}

/// The model lets [`Pooling`] be chosen.
pub fn has_pooling(model: &ModelId) -> bool {
    let id = model.as_str();
    id.starts_with("@cf/baai/bge-") && id.ends_with("-en-v1.5")
}

impl Client {
    /// Embeds texts.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for an empty text, [`Error::AnswerMalformed`] when the vectors are not as many as the
    /// texts, differ in length or hold what is no figure; everything of the wire.
    pub async fn embed(&self, request: &EmbedRequest) -> Result<Embeddings, Error> {
        if request.texts.iter().any(|text| text.trim().is_empty()) {
            return Err(Error::InvalidInput("a text to embed is empty".to_owned()));
        }
        let mut all = Embeddings { vectors: Vec::new(), dimensions: 0, usage: Usage::default() };
        for batch in request.texts.chunks(embedding_batch(&request.model)) {
            let answered = self.embed_batch(request, batch).await?;
            if all.dimensions != 0 && answered.dimensions != all.dimensions {
                return Err(Error::AnswerMalformed("vectors of different lengths".to_owned()));
            }
            all.dimensions = answered.dimensions;
            all.vectors.extend(answered.vectors);
            all.usage = sum(&all.usage, &answered.usage);
        }
        Ok(all)
    }

    async fn embed_batch(&self, request: &EmbedRequest, batch: &[String]) -> Result<Embeddings, Error> {
        let body = embed_body(request, batch);
        let wire = self.model_request(&Self::run_path(&request.model)?, Payload::json(&body))?;
        let call = Call::new(self, wire, Task::TextEmbeddings).of(&request.model).at_most(LARGEST_VECTORS);
        let answered =
            self.json(&call).await.map_err(|error| self.with_replacement(error, &request.model))?;
        let vectors = vectors(answered.value.get("data").or_else(|| answered.value.get("response")))?;
        let dimensions = check_vectors(&vectors, batch.len())?;
        let tokens = batch.iter().map(|text| estimate_tokens(text)).sum();
        let usage = self.usage_of(&request.model, &answered, tokens);
        Ok(Embeddings { vectors, dimensions, usage })
    }

    /// Scores passages against a query with a reranking model, best first; at most `top_k` of them.
    ///
    /// # Errors
    /// [`Error::AnswerMalformed`] for a passage that was not given; everything of the wire.
    pub async fn rerank(
        &self,
        model: &ModelId,
        query: &str,
        passages: &[String],
        top_k: usize,
    ) -> Result<(Vec<Ranked>, Usage), Error> {
        if passages.is_empty() {
            return Ok((Vec::new(), Usage::default()));
        }
        let contexts: Vec<Value> = passages.iter().map(|passage| json!({ "text": passage })).collect();
        let body = json!({ "query": query, "contexts": contexts, "top_k": top_k.clamp(1, passages.len()) });
        let wire = self.model_request(&Self::run_path(model)?, Payload::json(&body))?;
        let call = Call::new(self, wire, Task::TextClassification).of(model);
        let answered = self.json(&call).await.map_err(|error| self.with_replacement(error, model))?;
        let ranked = ranked(&answered.value, passages.len(), top_k)?;
        let tokens = passages.iter().map(|passage| estimate_tokens(passage) + estimate_tokens(query)).sum();
        Ok((ranked, self.usage_of(model, &answered, tokens)))
    }

    /// Usage of a call that has input tokens only: from the header, the body, or the price and an estimate of tokens.
    pub(crate) fn usage_of(&self, model: &ModelId, answered: &Answered, estimated_tokens: u32) -> Usage {
        let mut tokens = crate::delta::Tokens::default();
        tokens.read(answered.value.get("usage"));
        let told = Usage {
            input_tokens: tokens.input,
            output_tokens: tokens.output,
            cached_tokens: tokens.cached,
            neurons: answered.neurons.or(tokens.neurons),
            estimated: false,
        };
        if told.neurons.is_some() {
            return told;
        }
        let filled = Usage { input_tokens: tokens.input.or(Some(estimated_tokens)), ..told.clone() };
        let neurons = self.account.prices.neurons(model, &filled);
        Usage { neurons, estimated: neurons.is_some(), ..told }
    }
}

fn embed_body(request: &EmbedRequest, batch: &[String]) -> Value {
    let model = request.model.as_str();
    if model.starts_with("@cf/qwen/") {
        // The service puts its search instruction before `queries` only.
        return match request.side {
            Side::Query => json!({ "queries": batch }),
            Side::Document => json!({ "documents": batch }),
        };
    }
    match request.pooling.filter(|_| has_pooling(&request.model)) {
        Some(Pooling::Cls) => json!({ "text": batch, "pooling": "cls" }),
        Some(Pooling::Mean) => json!({ "text": batch, "pooling": "mean" }),
        None => json!({ "text": batch }),
    }
}

fn vectors(data: Option<&Value>) -> Result<Vec<Vec<f32>>, Error> {
    let malformed = || Error::AnswerMalformed("there are no vectors in it".to_owned());
    let rows = data.and_then(Value::as_array).ok_or_else(malformed)?;
    rows.iter().map(|row| vector(row).ok_or_else(malformed)).collect()
}

/// A list of finite figures.
pub(crate) fn vector(row: &Value) -> Option<Vec<f32>> {
    let figures = row.as_array()?.iter().map(|figure| figure.as_f64().map(|figure| figure as f32));
    figures.map(|figure| figure.filter(|figure| figure.is_finite())).collect()
}

/// As many as asked for, all of one length, which is returned.
pub(crate) fn check_vectors(vectors: &[Vec<f32>], expected: usize) -> Result<usize, Error> {
    let dimensions = vectors.first().map_or(0, Vec::len);
    if vectors.len() != expected {
        return Err(Error::AnswerMalformed(format!("{} vectors for {expected} texts", vectors.len())));
    }
    if dimensions == 0 && expected > 0 || vectors.iter().any(|vector| vector.len() != dimensions) {
        return Err(Error::AnswerMalformed("vectors of different lengths".to_owned()));
    }
    Ok(dimensions)
}

fn ranked(value: &Value, passages: usize, top_k: usize) -> Result<Vec<Ranked>, Error> {
    let malformed = || Error::AnswerMalformed("these are no scores of the passages".to_owned());
    let rows = value.get("response").unwrap_or(value).as_array().ok_or_else(malformed)?;
    let rank = |row: &Value| {
        let index = usize::try_from(row.get("id")?.as_u64()?).ok().filter(|index| *index < passages)?;
        let score = row.get("score")?.as_f64().filter(|score| score.is_finite())?;
        Some(Ranked { index, score })
    };
    let mut ranked: Vec<Ranked> =
        rows.iter().map(|row| rank(row).ok_or_else(malformed)).collect::<Result<_, _>>()?;
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.index.cmp(&b.index)));
    ranked.truncate(top_k);
    Ok(ranked)
}

/// Adds two usages; an estimate in either makes the sum one.
pub(crate) fn sum(one: &Usage, other: &Usage) -> Usage {
    let add = |a: Option<u32>, b: Option<u32>| match (a, b) {
        (None, None) => None,
        _ => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0))),
    };
    Usage {
        input_tokens: add(one.input_tokens, other.input_tokens),
        output_tokens: add(one.output_tokens, other.output_tokens),
        cached_tokens: add(one.cached_tokens, other.cached_tokens),
        neurons: match (one.neurons, other.neurons) {
            (None, None) => None,
            (a, b) => Some(a.unwrap_or(0.0) + b.unwrap_or(0.0)),
        },
        estimated: one.estimated || other.estimated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Answer, Server};

    fn request(model: &str, texts: usize) -> EmbedRequest {
        let texts = (0..texts).map(|n| format!("text {n}")).collect();
        EmbedRequest { model: ModelId::from(model), texts, side: Side::Query, pooling: Some(Pooling::Cls) }
    }

    fn answer(rows: &Value) -> Answer {
        Answer::json(
            &json!({ "result": { "shape": [2, 2], "data": rows, "pooling": "cls" }, "success": true, "errors": [] }),
        )
    }

    #[tokio::test(start_paused = true)]
    async fn the_body_is_what_the_model_takes() {
        for (model, expected) in [
            ("@cf/baai/bge-base-en-v1.5", json!({ "text": ["text 0"], "pooling": "cls" })),
            ("@cf/baai/bge-m3", json!({ "text": ["text 0"] })),
            ("@cf/qwen/qwen3-embedding-0.6b", json!({ "queries": ["text 0"] })),
        ] {
            let server = Server::answering(vec![answer(&json!([[0.5, 1]]))]);
            let found = testing::client(&server).embed(&request(model, 1)).await.unwrap();
            assert_eq!((found.vectors, found.dimensions), (vec![vec![0.5, 1.0]], 2));
            assert_eq!(server.seen()[0].json(), expected);
            assert!(
                found.usage.estimated && found.usage.neurons.unwrap() > 0.0,
                "priced when the service is silent"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn more_than_a_batch_is_sent_in_several() {
        let server = Server::new(|_, request| {
            let crate::wire::Payload::Json(body) = &request.payload else { panic!() };
            let texts = serde_json::from_slice::<Value>(body).unwrap()["documents"].as_array().unwrap().len();
            answer(&json!(vec![[1.0, 2.0]; texts]))
        });
        let wanted = EmbedRequest { side: Side::Document, ..request("@cf/qwen/qwen3-embedding-0.6b", 70) };
        assert_eq!(testing::client(&server).embed(&wanted).await.unwrap().vectors.len(), 70);
        assert_eq!(server.seen().len(), 3, "32 + 32 + 6");
    }

    #[tokio::test(start_paused = true)]
    async fn vectors_that_cannot_be_right_are_refused() {
        for rows in [
            json!([[1.0]]),
            json!([[1.0, 2.0], [1.0]]),
            json!([[], []]),
            json!([["x"], [1.0]]),
            json!(7),
            json!([[1e300], [1.0]]),
        ] {
            let server = Server::answering(vec![answer(&rows)]);
            let outcome = testing::client(&server).embed(&request("@cf/baai/bge-m3", 2)).await;
            assert!(matches!(outcome, Err(Error::AnswerMalformed(_))), "{rows}");
        }
        let server = Server::answering(vec![answer(&json!([]))]);
        let empty = EmbedRequest { texts: vec![" ".into()], ..request("@cf/baai/bge-m3", 0) };
        assert!(matches!(testing::client(&server).embed(&empty).await, Err(Error::InvalidInput(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn passages_are_ranked_best_first() {
        let rows = json!([{ "id": 0, "score": 0.0003 }, { "id": 1, "score": 0.82 }]);
        let body = json!({ "result": { "response": rows }, "success": true, "errors": [] });
        let server = Server::answering(vec![Answer::json(&body)]);
        let model = ModelId::from("@cf/baai/bge-reranker-base");
        let passages = ["a cyberpunk lizard".to_owned(), "a cheetah".to_owned()];
        let (ranked, usage) =
            testing::client(&server).rerank(&model, "fastest?", &passages, 2).await.unwrap();
        assert_eq!(ranked, [Ranked { index: 1, score: 0.82 }, Ranked { index: 0, score: 0.0003 }]);
        assert!(usage.estimated);
        assert_eq!(server.seen()[0].json()["contexts"][1], json!({ "text": "a cheetah" }));
        let outcome = testing::client(&server).rerank(&model, "fastest?", &passages[..1], 2).await;
        assert!(matches!(outcome, Err(Error::AnswerMalformed(_))), "a passage that was not given");
    }
}
