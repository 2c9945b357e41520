//! Identifiers and instants as newtypes, so that one kind cannot be passed for another.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The identifier as text, as it is stored and sent.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    };
}

id!(
    /// A conversation: a tree of messages. UUID version 7, so that ids sort by time of creation.
    ConversationId
);
id!(
    /// One message (one version of it). UUID version 7.
    MessageId
);
id!(
    /// One request in flight: a chat turn, a picture, an ingestion. UUID version 7.
    RunId
);
id!(
    /// An assistant: a named way to begin a conversation. UUID version 7.
    AssistantId
);
id!(
    /// A stored file that belongs to messages: its BLAKE3 hash in hexadecimal, so equal files are one.
    AttachmentId
);
id!(
    /// Our name for a connected account. It is the Cloudflare account id, `demo` or `environment`.
    AccountKey
);
id!(
    /// A model as it is called on the wire, e.g. `@cf/zai-org/glm-4.7-flash`.
    ModelId
);

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(transparent)]
#[ts(type = "number")]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The number of the UTC day, counted from 1970-01-01. Neuron allowances are counted by it.
    pub fn utc_day(self) -> i64 {
        self.0.div_euclid(86_400_000)
    }

    /// Midnight (00:00 UTC) that ends this instant's day: when the free allowance starts anew.
    pub fn next_utc_midnight(self) -> Timestamp {
        Timestamp((self.utc_day() + 1) * 86_400_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_midnight_utc() {
        let noon = Timestamp(86_400_000 * 20_000 + 43_200_000);
        assert_eq!(noon.utc_day(), 20_000);
        assert_eq!(noon.next_utc_midnight(), Timestamp(86_400_000 * 20_001));
        assert_eq!(Timestamp(-1).utc_day(), -1, "days before 1970 count downwards");
    }
}
