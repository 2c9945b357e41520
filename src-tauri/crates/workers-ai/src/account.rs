//! Whose token it is, whether it is valid, and which accounts it can see. Source: reference, section 1.

use crate::client::{Call, Client, Endpoint};
use crate::error::{Error, Refusal, Why};
use crate::network::Network;
use crate::token::{ApiToken, TokenOwner};
use crate::wire::Payload;
use domain::{FoundAccount, Task};
use reqwest::Method;
use serde_json::Value;
use std::collections::HashSet;

const PER_PAGE: usize = 50;
/// A token that sees more than a thousand accounts gets a field to paste the id into all the same.
const MOST_PAGES: usize = 20;

/// A valid, active token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenStatus {
    /// The service's id of the token; not the token.
    pub id: String,
    /// Which endpoint knew it.
    pub owner: TokenOwner,
    /// When it expires (ISO 8601), if ever.
    pub expires_on: Option<String>,
}

/// What a token can see before an account is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovered {
    /// The accounts; empty when the token may not list them, which does not mean that it is of no use.
    pub accounts: Vec<FoundAccount>,
    /// The person has to give the account id.
    pub account_id_needed: bool,
}

impl Client {
    /// Looks for the accounts of a token.
    ///
    /// # Errors
    /// [`Why::TokenRejected`] for a token that is wrong, expired or disabled; everything of the wire. A token that may
    /// not list accounts is no error.
    pub async fn discover(base_url: &str, token: ApiToken, network: &Network) -> Result<Discovered, Error> {
        let endpoint =
            Endpoint { base_url: base_url.to_owned(), account_id: String::new(), token, gateway: None };
        Self::new(endpoint, network)?.discovered().await
    }

    pub(crate) async fn discovered(&self) -> Result<Discovered, Error> {
        if self.account.token.owner() == TokenOwner::User {
            self.verify_token().await?;
        }
        let accounts = match self.accounts().await {
            Ok(accounts) => accounts,
            Err(error) if matches!(error.why(), Some(Why::PermissionMissing | Why::TokenWithoutUser)) => {
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        Ok(Discovered { account_id_needed: accounts.is_empty(), accounts })
    }

    /// Asks whether the token is valid and active, at the endpoint that its kind belongs to. A token of unknown kind is
    /// shown to both: the user endpoint refuses an account's token although it is valid.
    ///
    /// # Errors
    /// [`Why::TokenRejected`], also for an expired or disabled token; everything of the wire.
    pub async fn verify_token(&self) -> Result<TokenStatus, Error> {
        match self.account.token.owner() {
            TokenOwner::User => self.verify_as(TokenOwner::User).await,
            TokenOwner::Account => self.verify_as(TokenOwner::Account).await,
            TokenOwner::Unknown => match self.verify_as(TokenOwner::User).await {
                Err(error) if error.why() == Some(Why::TokenRejected) && !self.account.id.is_empty() => {
                    self.verify_as(TokenOwner::Account).await
                }
                outcome => outcome,
            },
        }
    }

    async fn verify_as(&self, owner: TokenOwner) -> Result<TokenStatus, Error> {
        let path = "tokens/verify";
        let request = match owner {
            TokenOwner::Account => self.account_request(Method::GET, path, Payload::Nothing)?,
            _ => self.request(Method::GET, &format!("user/{path}"), Payload::Nothing)?,
        };
        let value = self.json(&Call::new(self, request, Task::Other)).await?.value;
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        match text("status").as_deref() {
            Some("active") => {}
            Some(status) => {
                let message = format!("this token is {status}");
                return Err(Error::Refused(Box::new(Refusal::in_stream(Why::TokenRejected, message))));
            }
            None => return Err(Error::AnswerMalformed("a token without a status".to_owned())),
        }
        Ok(TokenStatus { id: text("id").unwrap_or_default(), owner, expires_on: text("expires_on") })
    }

    /// The accounts that the token can see: those that it may list, less those of which its person is no member.
    ///
    /// # Errors
    /// [`Why::PermissionMissing`] when it may not list them; everything of the wire.
    pub async fn accounts(&self) -> Result<Vec<FoundAccount>, Error> {
        let listed = self.pages("accounts").await?;
        let accounts: Vec<FoundAccount> = listed.iter().filter_map(found).collect();
        if accounts.len() < 2 {
            return Ok(accounts);
        }
        // An account's token has no person (9106), a narrow one may not ask (10000): then the first list stands.
        let Ok(memberships) = self.pages("memberships").await else { return Ok(accounts) };
        let member_of: HashSet<String> = memberships
            .iter()
            .filter_map(|entry| found(entry.get("account")?))
            .map(|account| account.id)
            .collect();
        if member_of.is_empty() {
            return Ok(accounts);
        }
        Ok(accounts.into_iter().filter(|account| member_of.contains(&account.id)).collect())
    }

    async fn pages(&self, what: &str) -> Result<Vec<Value>, Error> {
        let mut entries = Vec::new();
        for page in 1..=MOST_PAGES {
            let path = format!("{what}?page={page}&per_page={PER_PAGE}");
            let request = self.request(Method::GET, &path, Payload::Nothing)?;
            let answered = self.json(&Call::new(self, request, Task::Other)).await?;
            let Value::Array(found) = answered.value else { break };
            let last = answered
                .info
                .get("total_pages")
                .and_then(Value::as_u64)
                .is_some_and(|pages| page as u64 >= pages);
            let short = found.len() < PER_PAGE;
            entries.extend(found);
            if short || last {
                break;
            }
        }
        Ok(entries)
    }
}

fn found(entry: &Value) -> Option<FoundAccount> {
    let id = entry.get("id")?.as_str()?.to_owned();
    let name = entry.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    Some(FoundAccount { id, name })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Answer, Server};
    use serde_json::json;

    fn enveloped(result: &Value) -> Answer {
        Answer::json(
            &json!({ "result": result, "success": true, "errors": [], "messages": [{ "code": 10000, "message": "ok" }] }),
        )
    }

    fn refused(status: u16, code: i32) -> Answer {
        Answer::new(
            status,
            &[],
            json!({ "success": false, "errors": [{ "code": code, "message": "no" }] }).to_string(),
        )
    }

    fn active(status: &str) -> Answer {
        enveloped(
            &json!({ "id": "ed17574386854bf78a67040be0a770b0", "status": status, "expires_on": "2027-01-01T00:00:00Z" }),
        )
    }

    #[tokio::test(start_paused = true)]
    async fn each_kind_of_token_is_verified_where_it_belongs() {
        for (token, paths) in [
            ("cfut_a", vec!["/client/v4/user/tokens/verify"]),
            ("cfat_a", vec!["/client/v4/accounts/0123456789abcdef0123456789abcdef/tokens/verify"]),
        ] {
            let server = Server::answering(vec![active("active")]);
            let status = testing::client_with(&server, token).verify_token().await.unwrap();
            assert_eq!(status.expires_on.as_deref(), Some("2027-01-01T00:00:00Z"));
            assert_eq!(testing::paths(&server), paths);
        }
        let server = Server::answering(vec![refused(401, 1000), active("active")]);
        let status = testing::client_with(&server, "old-token-without-prefix").verify_token().await.unwrap();
        assert_eq!(status.owner, TokenOwner::Account, "1000 from the user endpoint proves nothing");
    }

    #[tokio::test(start_paused = true)]
    async fn an_expired_token_is_rejected_with_its_reason() {
        let server = Server::answering(vec![active("expired")]);
        let error = testing::client_with(&server, "cfut_a").verify_token().await.unwrap_err();
        assert_eq!(error.why(), Some(Why::TokenRejected));
        assert!(error.to_string().contains("expired"));
    }

    #[tokio::test(start_paused = true)]
    async fn accounts_are_those_of_both_lists() {
        let accounts = json!([{ "id": "a", "name": "A" }, { "id": "b", "name": "B" }]);
        let members = json!([{ "account": { "id": "b", "name": "B" } }]);
        let server = Server::answering(vec![enveloped(&accounts), enveloped(&members)]);
        let found = testing::client_with(&server, "cfut_a").accounts().await.unwrap();
        assert_eq!(found, [FoundAccount { id: "b".into(), name: "B".into() }]);
        let server = Server::answering(vec![enveloped(&accounts), refused(400, 9106)]);
        assert_eq!(testing::client_with(&server, "cfat_a").accounts().await.unwrap().len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_may_not_list_accounts_is_still_of_use() {
        for answer in [enveloped(&json!([])), refused(403, 9109)] {
            let server = Server::answering(vec![answer]);
            let found = testing::client_with(&server, "cfat_a").discovered().await.unwrap();
            assert_eq!(found, Discovered { accounts: Vec::new(), account_id_needed: true });
        }
        let server = Server::answering(vec![refused(401, 1000)]);
        assert_eq!(
            testing::client_with(&server, "cfut_a").discovered().await.unwrap_err().why(),
            Some(Why::TokenRejected)
        );
    }
}
