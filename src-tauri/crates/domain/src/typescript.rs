//! The interface's types, printed from ours: one file, in a fixed order.

use ts_rs::{Config, TS};

macro_rules! declarations {
    ($($name:ty),* $(,)?) => {
        /// The text of `ui/src/ipc/generated/domain.ts`.
        pub fn declarations() -> String {
            let config = Config::default();
            let mut text = String::from("// Made from the crate `domain` by `./dev types`. Do not edit.\n");
            $(
                text.push_str("\nexport ");
                text.push_str(&<$name as TS>::decl(&config));
                text.push('\n');
            )*
            text
        }
    };
}

#[allow(clippy::wildcard_imports, reason = "every word of the crate is listed")]
use crate::*;

declarations![
    ConversationId,
    MessageId,
    RunId,
    AssistantId,
    AttachmentId,
    AccountKey,
    ModelId,
    Timestamp,
    FaultCode,
    Fault,
    Task,
    Price,
    Model,
    CatalogueSource,
    Catalogue,
    Usage,
    UsageToday,
    UsageLine,
    UsageReport,
    KeptIn,
    Account,
    KeychainState,
    AccountState,
    FoundAccount,
    Discovery,
    CheckStep,
    CheckEvent,
    CheckOutcome,
    KeepIn,
    Role,
    MessageStatus,
    Finish,
    Attachment,
    ToolCall,
    SourceRef,
    Message,
    Block,
    MessageView,
    Parameters,
    ConversationOptions,
    Assistant,
    ConversationSummary,
    ConversationPage,
    PathItem,
    Draft,
    QueuedMessage,
    AttachedFiles,
    RefusedFile,
    Transcript,
    SendRequest,
    Started,
    ContextMeter,
    CopyForm,
    RunEvent,
    RunStep,
    ActiveRun,
    AppEvent,
    SnippetPart,
    HistoryHit,
    Theme,
    Settings,
    DatabaseState,
    BackupCopy,
    AppInfo,
    DropEvent,
    Grant,
    GrantedFile,
    CollectionSettings,
    Collection,
    DocumentState,
    Document,
    DocumentPage,
    DocumentQuery,
    Quote,
    SkippedFile,
    IngestEvent,
    IngestStarted,
    SearchMode,
    SearchRecall,
    PassageQuery,
    PassageHit,
    Findings,
    WhyAnswer,
    DocumentText,
    TextSection,
    PlacedLine,
    Passage,
    VectorInfo,
    VectorFormat,
    PictureRequest,
    NumberRange,
    PictureForm,
    PictureState,
    Picture,
    PictureQuery,
    PicturePage,
    GalleryDay,
    Album,
    PictureQuote,
    PictureSettings,
    PictureExport,
    PictureField,
    PictureEvent,
];
