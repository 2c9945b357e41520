//! Vectors for texts, from Workers AI or from a provider that the collection names.

use super::vectors::SpaceName;
use crate::Engine;
use crate::accounts::Caller;
use crate::settings::network;
use crate::usage;
use domain::{CollectionSettings, Fault, LedgerEntry, Model, Usage};
use workers_ai::provider::{Provider, ProviderEmbedRequest};
use workers_ai::{EmbedRequest, Embeddings, Pooling, Side, Wait, embedding_batch, estimate_neurons};

/// Texts in one request to a provider; what the well-known ones take.
const PROVIDER_BATCH: usize = 32;
/// Tokens of one request: bge-m3 takes 60,000 in all, and our count is an estimate.
const REQUEST_TOKENS: u32 = 48_000;

/// Tokens of the longest text that a model reads (reference, section 4); what is longer is cut off or refused.
const WINDOWS: [(&str, u32); 5] = [
    ("@cf/baai/bge-m3", 8_192),
    ("@cf/baai/bge-", 512),
    ("@cf/google/embeddinggemma", 2_048),
    ("@cf/qwen/qwen3-embedding", 8_192),
    ("@cf/pfnet/plamo-embedding", 4_096),
];

/// Tokens of the longest text that a model of the service reads, where that is known.
pub(crate) fn window(model: &str) -> Option<u32> {
    WINDOWS.iter().find(|(prefix, _)| model.starts_with(prefix)).map(|(_, tokens)| *tokens)
}

/// Who embeds.
#[derive(Clone)]
pub(crate) struct Embedder {
    engine: Engine,
    who: Who,
    settings: CollectionSettings,
}

#[derive(Clone)]
enum Who {
    Service { caller: Caller, model: Box<Model> },
    Provider(Provider),
}

impl Embedder {
    /// Who embeds for a collection of these settings. Waits for limits are told to `on_wait`.
    pub(crate) async fn of(
        engine: &Engine,
        settings: &CollectionSettings,
        on_wait: impl Fn(Wait) + Send + Sync + 'static,
    ) -> Result<Self, Fault> {
        let who = match &settings.provider_url {
            Some(url) => {
                let key = super::providers::key(engine, url).await;
                let network = network(&engine.in_force().now());
                Who::Provider(Provider::new(url, key, &network).map_err(|error| error.fault())?)
            }
            None => {
                let mut caller = engine.accounts().caller().await?;
                caller.client = caller.client.on_wait(on_wait);
                let model = Box::new(engine.models().find(&settings.embedding_model).await);
                Who::Service { caller, model }
            }
        };
        Ok(Self { engine: engine.clone(), who, settings: settings.clone() })
    }

    /// The space of its vectors.
    pub(crate) fn space(&self) -> SpaceName {
        SpaceName::of(&self.settings)
    }

    /// The most texts of one request.
    pub(crate) fn batch(&self) -> usize {
        match &self.who {
            Who::Service { model, .. } => embedding_batch(&model.id),
            Who::Provider(_) => PROVIDER_BATCH,
        }
    }

    /// The most estimated tokens of one request.
    pub(crate) fn request_tokens(&self) -> u32 {
        REQUEST_TOKENS
    }

    /// Nothing is spent.
    pub(crate) fn is_free(&self) -> bool {
        matches!(&self.who, Who::Service { caller, .. } if caller.simulated)
    }

    /// What so many tokens cost, where a price is known.
    pub(crate) fn neurons(&self, tokens: u64) -> Option<f64> {
        let Who::Service { model, .. } = &self.who else { return None };
        let tokens = u32::try_from(tokens).unwrap_or(u32::MAX);
        let usage = Usage { input_tokens: Some(tokens), ..Usage::default() };
        (!model.prices.is_empty()).then(|| estimate_neurons(model, &usage))
    }

    /// Embeds texts, as many as [`Embedder::batch`] allows.
    pub(crate) async fn embed(&self, texts: Vec<String>, side: Side) -> Result<Embeddings, Fault> {
        match &self.who {
            Who::Service { caller, model } => {
                self.engine.usage().keep_within_cap(caller).await?;
                let request =
                    EmbedRequest { model: model.id.clone(), texts, side, pooling: Some(Pooling::Cls) };
                caller.client.embed(&request).await.map_err(|error| caller.fault(&error))
            }
            Who::Provider(provider) => {
                let model = self.settings.embedding_model.to_string();
                let request = ProviderEmbedRequest { model, texts, side, dimensions: None };
                provider.embed(&request).await.map_err(|error| error.fault())
            }
        }
    }

    /// The line of the ledger for a call; a provider's calls are none of the account's.
    pub(crate) fn entry(&self, usage: Usage) -> Option<LedgerEntry> {
        let Who::Service { caller, model } = &self.who else { return None };
        Some(usage::entry(&self.engine, caller, model, "embeddings", None, usage))
    }
}
