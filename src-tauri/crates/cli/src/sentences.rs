//! A sentence and a hint for each fault. The match is exhaustive: a new code does not compile without both.

use domain::{Fault, FaultCode};

/// What happened, and what to do, in English.
pub fn of(fault: &Fault) -> (String, String) {
    let (sentence, hint) = match fault.code {
        FaultCode::NoAccount => (
            "No account is connected.",
            "Set CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID, or connect one in the window.",
        ),
        FaultCode::TokenRejected => (
            "Cloudflare does not accept this API token.",
            "Check that it is complete, active and not expired.",
        ),
        FaultCode::TokenLacksPermission => (
            "The API token lacks a permission.",
            "Give it Workers AI: Read and Workers AI: Edit for this account.",
        ),
        FaultCode::AccountUnknown => (
            "The account id is unknown, or belongs to another token.",
            "Copy it from the dashboard: Workers AI, Use REST API.",
        ),
        FaultCode::DailyAllowanceSpent => (
            "Today's free neurons are used up.",
            "They come back at 00:00 UTC; the Workers Paid plan has no such stop.",
        ),
        FaultCode::RateLimited => ("Too many requests a minute.", "Wait a little and try again."),
        FaultCode::ModelBusy => (
            "This model has no free capacity just now.",
            "Try again in a few seconds, or take another model with -m.",
        ),
        FaultCode::ModelGone => {
            ("This model is retired or unknown.", "See `edgewise-cli models` for those that answer.")
        }
        FaultCode::PaidPlanNeeded => (
            "This model needs the Workers Paid plan.",
            "Take another model with -m, or upgrade in the dashboard.",
        ),
        FaultCode::LicenceNeeded => (
            "This model's licence has to be agreed to first.",
            "Open it once in the window and read its terms.",
        ),
        FaultCode::ContextTooLong => (
            "Question and answer do not fit this model's context window.",
            "Shorten the question, or take a model with a larger window.",
        ),
        FaultCode::ContentRefused => ("A content filter refused this.", "Say it differently."),
        FaultCode::BadRequest => (
            "The model refused the form of the request.",
            "Another model may take it; the details say what was refused.",
        ),
        FaultCode::RequestTooLarge => {
            ("The request is larger than the service takes.", "Send less, or smaller pictures.")
        }
        FaultCode::Upstream => ("Cloudflare answered with an error of its own.", "Try again in a moment."),
        FaultCode::NotTheService => (
            "A web page came where Workers AI should have answered.",
            "A login page or a proxy may stand between; open a browser and look.",
        ),
        FaultCode::Offline => ("The service cannot be reached.", "Check the network and EDGEWISE_API_URL."),
        FaultCode::TlsRefused => (
            "The secure connection was refused.",
            "Check the clock, the certificate authority in Settings, and the proxy.",
        ),
        FaultCode::ProxyRefused => ("The proxy refused.", "Check its address and its credentials."),
        FaultCode::TimedOut => {
            ("The service did not answer in time.", "Try again; a long silence may also mean a busy model.")
        }
        FaultCode::StreamCut => (
            "The answer was cut off; what arrived is kept.",
            "Go on with the same conversation to continue it.",
        ),
        FaultCode::EmptyAnswer => {
            ("The model gave an empty answer.", "Raise the limit of tokens, or lower the effort of thinking.")
        }
        FaultCode::KeychainLocked => {
            ("The keychain is locked.", "Unlock it, or set CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID.")
        }
        FaultCode::KeychainDenied => {
            ("The keychain refused access.", "Allow Edgewise in the keychain's settings.")
        }
        FaultCode::KeychainMissing => (
            "This machine has no keychain service.",
            "Set CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID, or use an encrypted key file in the window.",
        ),
        FaultCode::KeychainSilent => (
            "The keychain does not answer.",
            "Log in to the desktop once, or set CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID.",
        ),
        FaultCode::PassphraseWrong => (
            "This passphrase does not open the key file.",
            "Try again; without it the token has to be connected anew.",
        ),
        FaultCode::DiskFull => {
            ("The disk is full.", "Make room and try again; nothing that was stored is lost.")
        }
        FaultCode::ReadOnly => (
            "The data folder cannot be written.",
            "Check its owner and permissions, or set EDGEWISE_DATA_DIR.",
        ),
        FaultCode::DatabaseBusy => (
            "Another program holds the database.",
            "Close the Edgewise window, or set EDGEWISE_DATA_DIR to another folder.",
        ),
        FaultCode::DatabaseNewer => {
            ("The database was made by a newer Edgewise.", "Update this program; nothing was changed.")
        }
        FaultCode::DatabaseDamaged => {
            ("The database is damaged; nothing was changed.", "Restore a backup with `edgewise-cli restore`.")
        }
        FaultCode::FileUnreadable => ("The file cannot be read.", "Check its name and its permissions."),
        FaultCode::FileTooLarge => ("The file is too large.", "Split it, or send a part of it."),
        FaultCode::FileEncrypted => {
            ("The file asks for a password.", "Open it, save it without one, and try again.")
        }
        FaultCode::FileHasNoText => {
            ("The file holds no text.", "It may be a scan; the window can have it read by a model.")
        }
        FaultCode::FormatUnknown => ("This kind of file is not known.", "Convert it to PDF, DOCX or text."),
        FaultCode::NotFound => ("That does not exist.", "See `edgewise-cli history list`."),
        FaultCode::InvalidInput => ("The input is not right.", "See `edgewise-cli help`."),
        FaultCode::CapReached => {
            ("This would pass the limit of neurons that you set.", "Change it in Settings, Usage & limits.")
        }
        FaultCode::Stopped => ("Stopped.", "What arrived is kept."),
        FaultCode::Internal => (
            "Something went wrong inside Edgewise.",
            "Run it again with EDGEWISE_LOG=debug and report what it prints.",
        ),
    };
    let mut hint = hint.to_owned();
    if let Some(model) = &fault.replacement {
        hint = format!("Its successor: -m {model}");
    }
    if let Some(wait) = fault.retry_after_ms.filter(|wait| *wait > 0) {
        hint = format!("{hint} Wait {} s.", wait.div_ceil(1_000));
    }
    (sentence.to_owned(), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_successor_is_named() {
        let mut fault = Fault::new(FaultCode::ModelGone);
        fault.replacement = Some("@cf/a/b".to_owned());
        assert!(of(&fault).1.contains("-m @cf/a/b"));
    }

    #[test]
    fn a_wait_is_told_in_seconds() {
        let mut fault = Fault::new(FaultCode::RateLimited);
        fault.retry_after_ms = Some(1_200);
        assert!(of(&fault).1.ends_with("Wait 2 s."));
    }
}
