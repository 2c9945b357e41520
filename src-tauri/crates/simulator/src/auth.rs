//! Who is calling, and what that token may do. The magic tokens are documented on the crate.

use crate::errors::Refusal;
use crate::handle::Call;
use crate::state::State;

/// A bearer token with what its text says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a>(pub(crate) &'a str);

impl Token<'_> {
    pub(crate) fn is_account_owned(self) -> bool {
        self.0.starts_with("cfat_")
    }

    /// Without its kind: `expired` of `cfut_expired`.
    fn name(self) -> &'static str {
        const NAMES: &[&str] = &[
            "invalid",
            "expired",
            "disabled",
            "no_ai",
            "read_only",
            "no_accounts",
            "accounts_denied",
            "two_accounts",
        ];
        let text = self.0.strip_prefix("cfut_").or_else(|| self.0.strip_prefix("cfat_")).unwrap_or_default();
        NAMES.iter().find(|name| text.starts_with(**name)).copied().unwrap_or_default()
    }

    pub(crate) fn is_known(self, state: &State) -> bool {
        match &state.options.token {
            Some(only) => only == self.0,
            None => self.name() != "invalid",
        }
    }

    /// `active`, `expired` or `disabled`.
    pub(crate) fn status(self) -> &'static str {
        match self.name() {
            "expired" => "expired",
            "disabled" => "disabled",
            _ => "active",
        }
    }

    pub(crate) fn lists_no_accounts(self) -> bool {
        self.name() == "no_accounts"
    }

    pub(crate) fn may_not_list_accounts(self) -> bool {
        self.name() == "accounts_denied"
    }

    pub(crate) fn has_two_accounts(self) -> bool {
        self.name() == "two_accounts"
    }

    fn reads_ai(self) -> bool {
        self.name() != "no_ai"
    }

    fn runs_ai(self) -> bool {
        !matches!(self.name(), "no_ai" | "read_only")
    }
}

/// What a path below `accounts/{id}` asks of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Nothing,
    ReadAi,
    RunAi,
}

/// The bearer token, when the header is well formed.
pub(crate) fn bearer(call: &Call) -> Result<Token<'_>, Refusal> {
    let Some(header) = call.header("authorization") else { return Err(Refusal::named("authentication")) };
    let token = header.strip_prefix("Bearer ").unwrap_or_default();
    if token.is_empty() || token.chars().any(|c| c.is_whitespace() || c.is_control() || !c.is_ascii()) {
        return Err(Refusal::named("authorization_header"));
    }
    Ok(Token(token))
}

/// The token of a call, known and active.
pub(crate) fn authenticated<'a>(call: &'a Call, state: &State) -> Result<Token<'a>, Refusal> {
    let token = bearer(call)?;
    if token.is_known(state) && token.status() == "active" {
        Ok(token)
    } else {
        Err(Refusal::named("authentication"))
    }
}

/// The token may do this.
pub(crate) fn allowed(token: Token<'_>, need: Need) -> Result<(), Refusal> {
    let may = match need {
        Need::Nothing => true,
        Need::ReadAi => token.reads_ai(),
        Need::RunAi => token.runs_ai(),
    };
    if may { Ok(()) } else { Err(Refusal::named("permission")) }
}
