//! What can stop a use case on its way. Callers outside get its [`Fault`]: the closed set that the window and the
//! command line have a sentence for.

use domain::{Fault, FaultCode};

/// A failure inside the engine, before it becomes a fault.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The disk or the database.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The vector table.
    #[error(transparent)]
    Vectors(#[from] vector_table::Error),
    /// Something that is a fault already.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Error {
    /// What callers are told.
    pub(crate) fn fault(&self) -> Fault {
        match self {
            Self::Store(error) => error.fault(),
            Self::Vectors(vector_table::Error::Cancelled) => Fault::new(FaultCode::Stopped),
            Self::Vectors(error) => Fault::new(FaultCode::Internal).with_detail(error.to_string()),
            Self::Fault(fault) => fault.clone(),
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        error.fault()
    }
}

/// Something asked for is not there.
pub(crate) fn not_found(what: &str) -> Fault {
    Fault::new(FaultCode::NotFound).with_detail(what)
}

/// The input cannot be used.
pub(crate) fn invalid(why: &str) -> Fault {
    Fault::new(FaultCode::InvalidInput).with_detail(why)
}

/// A name that a person gave, without the spaces around it and at most 200 characters.
pub(crate) fn named(name: &str) -> Result<String, Fault> {
    let name = name.trim();
    if name.is_empty() { Err(invalid("the name is empty")) } else { Ok(name.chars().take(200).collect()) }
}
