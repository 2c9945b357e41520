//! The API token: the one secret of this crate. It can be sent, and nothing else.

use crate::error::Error;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

/// A bearer token, trimmed and fit for a header. It has no `Serialize` and prints `••••`.
#[derive(Clone)]
pub struct ApiToken(SecretString);

/// Who a token belongs to, as far as its prefix tells (tokens made before 2026 have none).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenOwner {
    /// `cfut_`: a person. The user endpoint verifies it.
    User,
    /// `cfat_`: an account. The user endpoint refuses it although it is valid.
    Account,
    /// No prefix: either.
    Unknown,
}

impl ApiToken {
    /// Takes a token as it was pasted: white space and line breaks anywhere are dropped, as are quotation marks around it
    /// and a leading `Bearer`.
    ///
    /// # Errors
    /// [`Error::TokenMalformed`] when nothing is left, when it holds characters that a header cannot carry, or when it
    /// is a global API key, which is no bearer token.
    pub fn new(pasted: &str) -> Result<Self, Error> {
        let trimmed = pasted.trim().trim_matches(['"', '\'', '`']);
        let trimmed = match trimmed.split_at_checked(7) {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer ") => rest,
            _ => trimmed,
        };
        let token: String = trimmed.chars().filter(|c| !c.is_whitespace() && *c != '\u{feff}').collect();
        if token.is_empty() {
            return Err(Error::TokenMalformed("it is empty"));
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::TokenMalformed("it holds characters that no token has"));
        }
        if token.starts_with("cfk_") {
            return Err(Error::TokenMalformed("it is a global API key; an API token is needed"));
        }
        Ok(Self(SecretString::from(token)))
    }

    /// What the prefix says.
    pub fn owner(&self) -> TokenOwner {
        let text = self.0.expose_secret();
        if text.starts_with("cfut_") {
            TokenOwner::User
        } else if text.starts_with("cfat_") {
            TokenOwner::Account
        } else {
            TokenOwner::Unknown
        }
    }

    /// The secret, for the keychain and for nothing else.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// `Bearer …`, marked so that no log prints it.
    pub(crate) fn header(&self) -> HeaderValue {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.expose()))
            .expect("a token holds visible ASCII characters only");
        value.set_sensitive(true);
        value
    }
}

impl PartialEq for ApiToken {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for ApiToken {}

impl std::fmt::Debug for ApiToken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("••••")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_token_is_freed_of_what_came_with_it() {
        for pasted in [
            "cfut_abc",
            "  cfut_abc\n",
            "cfut_\r\n  abc",
            "Bearer cfut_abc",
            "\"cfut_abc\"",
            "\u{feff}cfut_abc",
        ] {
            let token = ApiToken::new(pasted).unwrap();
            assert_eq!(token.expose(), "cfut_abc", "{pasted:?}");
            assert_eq!(token.owner(), TokenOwner::User);
        }
    }

    #[test]
    fn what_cannot_be_a_token_is_refused_before_it_is_sent() {
        for pasted in ["", "  \n", "tokén", "to\u{0}ken", "cfk_0123"] {
            assert!(matches!(ApiToken::new(pasted), Err(Error::TokenMalformed(_))), "{pasted:?}");
        }
    }

    #[test]
    fn a_token_never_prints_itself() {
        let token = ApiToken::new("cfat_secret").unwrap();
        assert_eq!(format!("{token:?}"), "••••");
        assert!(!format!("{:?}", token.header()).contains("secret"), "the header is marked as sensitive");
        assert_eq!(token.owner(), TokenOwner::Account);
    }
}
