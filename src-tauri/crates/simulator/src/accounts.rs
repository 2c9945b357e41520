//! Verification of tokens, accounts and memberships.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::auth::{self, Token};
use crate::errors::Refusal;
use crate::handle::Call;
use crate::random::uuid_of;
use crate::state::State;
use crate::{DEMO_ACCOUNT_ID, SECOND_ACCOUNT_ID};

/// `GET /user/tokens/verify`: account-owned tokens have no user and are refused here.
pub(crate) fn verify_user(call: &Call, state: &State) -> Result<Answer, Refusal> {
    let token = auth::bearer(call)?;
    if token.is_account_owned() { Err(Refusal::named("invalid_token")) } else { verified(token, state) }
}

/// `GET /accounts/{id}/tokens/verify`
pub(crate) fn verify_account(call: &Call, state: &State) -> Result<Answer, Refusal> {
    let token = auth::bearer(call)?;
    // A user's token is unknown to the account; an old one without a prefix may be of either kind.
    if token.0.starts_with("cfut_") { Err(Refusal::named("invalid_token")) } else { verified(token, state) }
}

fn verified(token: Token<'_>, state: &State) -> Result<Answer, Refusal> {
    if !token.is_known(state) {
        return Err(Refusal::named("invalid_token"));
    }
    let status = token.status();
    let expires = if status == "expired" { "2026-02-01T00:00:00Z" } else { "2099-01-01T00:00:00Z" };
    Ok(Answer::json(&json!({
        "result": { "id": uuid_of(token.0).replace('-', ""), "status": status,
                    "not_before": "2026-01-01T00:00:00Z", "expires_on": expires },
        "success": true, "errors": [],
        "messages": [{ "code": 10000, "message": format!("This API Token is valid and {status}"), "type": null }] })))
}

/// `GET /accounts`
pub(crate) fn accounts(call: &Call, state: &State) -> Result<Answer, Refusal> {
    let token = auth::authenticated(call, state)?;
    if token.may_not_list_accounts() {
        return Err(Refusal::named("unauthorized"));
    }
    let mut list = accounts_of(token, state);
    if let Some(name) = call.query("name") {
        list.retain(|account| account["name"].as_str().is_some_and(|known| known.contains(name)));
    }
    if call.query("direction") == Some("desc") {
        list.reverse();
    }
    Ok(paged(call, list, 20))
}

fn accounts_of(token: Token<'_>, state: &State) -> Vec<Value> {
    let account = |id: &str, name: &str| {
        json!({"id": id, "name": name, "type": "standard", "settings": {"enforce_twofactor": false},
               "created_on": "2024-03-01T12:21:02.000000Z"})
    };
    let first = account(main_account(state), "Simulation (no real account)");
    match token {
        token if token.lists_no_accounts() => Vec::new(),
        token if token.has_two_accounts() => {
            vec![first, account(SECOND_ACCOUNT_ID, "Second simulation (no real account)")]
        }
        _ => vec![first],
    }
}

pub(crate) fn main_account(state: &State) -> &str {
    state.options.account_id.as_deref().unwrap_or(DEMO_ACCOUNT_ID)
}

/// `GET /memberships`: of a user only.
pub(crate) fn memberships(call: &Call, state: &State) -> Result<Answer, Refusal> {
    let token = auth::authenticated(call, state)?;
    if token.is_account_owned() {
        return Err(Refusal::named("user_endpoint"));
    }
    let list = accounts_of(token, state)
        .into_iter()
        .map(|account| {
            let id = uuid_of(&account.to_string()).replace('-', "");
            json!({"id": id, "status": "accepted", "account": account, "roles": ["Simulated"]})
        })
        .collect();
    Ok(paged(call, list, 20))
}

/// May this token work in this account? With no account set by the options, any 32 hexadecimal characters serve.
pub(crate) fn may_use(account: &str, path: &str, state: &State) -> Result<(), Refusal> {
    let hexadecimal = account.len() == 32 && account.chars().all(|c| c.is_ascii_hexdigit());
    match &state.options.account_id {
        Some(only) if only == account => Ok(()),
        Some(_) if hexadecimal => Err(Refusal::named("unauthorized")),
        None if hexadecimal => Ok(()),
        _ => Err(Refusal::no_route(path)),
    }
}

/// One page of a list with its `result_info`.
pub(crate) fn paged(call: &Call, list: Vec<Value>, usual: usize) -> Answer {
    let number = |name: &str, otherwise: usize| {
        call.query(name).and_then(|n| n.parse().ok()).unwrap_or(otherwise).max(1)
    };
    let (page, per_page) = (number("page", 1), number("per_page", usual));
    let total = list.len();
    let result: Vec<Value> =
        list.into_iter().skip((page - 1).saturating_mul(per_page)).take(per_page).collect();
    Answer::json(&json!({
        "result": result, "success": true, "errors": [], "messages": [],
        "result_info": { "page": page, "per_page": per_page, "total_pages": total.div_ceil(per_page),
                         "count": result.len(), "total_count": total } }))
}
