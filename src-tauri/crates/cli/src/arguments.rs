//! What can be typed. These names are contracts: they may grow, they do not change.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Edgewise on the command line.
#[derive(Debug, Parser)]
#[command(
    name = "edgewise-cli",
    version,
    about = "Edgewise, the desktop for Cloudflare Workers AI, on the command line"
)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Ask a model; the answer streams to standard output
    Chat(Chat),
    /// Add files and folders to the library
    Ingest(Ingest),
    /// Find passages of the library, with scores and cosine distances
    Search(Search),
    /// Look at the vector tables, check them, write them to a file
    #[command(subcommand)]
    Vectors(Vectors),
    /// Make pictures; they are in the gallery too
    Image(Image),
    /// List the models of the catalogue
    Models(Models),
    /// Today's neurons, and the last days'
    Usage(Usage),
    /// List, show, search, export and import conversations
    #[command(subcommand)]
    History(History),
    /// Write everything but secrets to one file
    Backup(Backup),
    /// Bring a backup back
    Restore(Restore),
    /// Run the simulator: a local stand-in for the Workers AI API
    Simulate(Simulate),
    /// Check keychain, token and permissions, database and network
    Doctor(Doctor),
}

impl Command {
    /// It changes nothing, so that it works beside an open window. What changes something needs the database to itself:
    /// a second writer would take the window's answers in flight for cut ones, and the window would not see its changes.
    pub fn only_reads(&self) -> bool {
        match self {
            Self::Search(_)
            | Self::Vectors(_)
            | Self::Models(_)
            | Self::Usage(_)
            | Self::Backup(_)
            | Self::Doctor(_) => true,
            Self::History(which) => !matches!(which, History::Import { .. }),
            Self::Chat(_) | Self::Ingest(_) | Self::Image(_) | Self::Restore(_) | Self::Simulate(_) => false,
        }
    }
}

/// `chat`
#[derive(Debug, Args)]
pub struct Chat {
    /// The model, e.g. @cf/zai-org/glm-4.7-flash
    #[arg(short, long)]
    pub model: Option<String>,
    /// The conversation to go on with
    #[arg(short, long)]
    pub conversation: Option<String>,
    /// A collection of the library to answer from, by name; may be given several times
    #[arg(short = 'l', long)]
    pub collection: Vec<String>,
    /// The system prompt
    #[arg(long)]
    pub system: Option<String>,
    /// One JSON object per line
    #[arg(long)]
    pub json: bool,
    /// The question; `-` reads it from standard input
    pub prompt: String,
}

/// `ingest`
#[derive(Debug, Args)]
pub struct Ingest {
    /// The collection, by name; made when there is none of that name
    #[arg(short = 'l', long)]
    pub collection: Option<String>,
    /// The embedding model, e.g. @cf/baai/bge-m3
    #[arg(long)]
    pub embedding_model: Option<String>,
    /// An OpenAI-compatible provider to embed with: its base URL. Its key, where it needs one, comes from EDGEWISE_PROVIDER_KEY
    #[arg(long, requires = "embedding_model")]
    pub provider_url: Option<String>,
    /// One JSON object per line
    #[arg(long)]
    pub json: bool,
    /// Files and folders
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
}

/// `search`
#[derive(Debug, Args)]
pub struct Search {
    /// The collection, by name; all when absent
    #[arg(short = 'l', long)]
    pub collection: Option<String>,
    /// At most so many passages
    #[arg(short = 'k', long)]
    pub count: Option<u32>,
    /// By meaning, by words, or by both
    #[arg(long, value_enum, default_value_t = Mode::Hybrid)]
    pub mode: Mode,
    /// How surely the nearest vectors are found: most of them, nearly all, or all
    #[arg(long, value_enum, default_value_t = Recall::Balanced)]
    pub recall: Recall,
    /// Let the reranker order them
    #[arg(long)]
    pub rerank: bool,
    /// Only files of this format, e.g. pdf, docx, markdown; may be given several times
    #[arg(long = "type", value_name = "FORMAT")]
    pub formats: Vec<String>,
    /// Only what was added since this day (UTC), as YYYY-MM-DD
    #[arg(long, value_name = "DAY", value_parser = day)]
    pub since: Option<i64>,
    /// Only in this document, by its id or name; may be given several times
    #[arg(long = "document", value_name = "DOCUMENT")]
    pub documents: Vec<String>,
    /// One JSON object per line
    #[arg(long)]
    pub json: bool,
    /// What is asked
    pub query: String,
}

/// How is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// By meaning
    Vector,
    /// By words
    Keyword,
    /// By both, fused
    Hybrid,
}

/// How surely the nearest vectors are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Recall {
    /// Most of them, as fast as possible
    Fast,
    /// At least 99 of 100
    Balanced,
    /// All of them
    Exact,
}

/// `vectors ...`
#[derive(Debug, Subcommand)]
pub enum Vectors {
    /// What tables there are
    Info {
        /// One JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Compare vectors and codes with what was written
    Verify {
        /// One JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Write all vectors with their passages to a file
    Export {
        /// The form of the file
        #[arg(long, value_enum, default_value_t = VectorForm::Jsonl)]
        format: VectorForm,
        /// Only the vectors of this model; needed when there are several and they go to standard output
        #[arg(long)]
        model: Option<String>,
        /// The file; standard output when absent
        #[arg(short, long)]
        output: Option<PathBuf>,
    },
}

/// Forms of exported vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum VectorForm {
    /// One JSON object per line
    Jsonl,
    /// Comma-separated values
    Csv,
    /// Apache Parquet
    Parquet,
    /// NDJSON for Cloudflare Vectorize
    Vectorize,
    /// SQL statements
    Sql,
}

/// `image`
#[derive(Debug, Args)]
pub struct Image {
    /// The model, e.g. @cf/black-forest-labs/flux-1-schnell
    #[arg(short, long)]
    pub model: Option<String>,
    /// Pixels
    #[arg(long)]
    pub width: Option<u32>,
    /// Pixels
    #[arg(long)]
    pub height: Option<u32>,
    /// Diffusion steps
    #[arg(long)]
    pub steps: Option<u32>,
    /// How closely to follow the prompt
    #[arg(long)]
    pub guidance: Option<f64>,
    /// The same seed gives the same picture
    #[arg(long)]
    pub seed: Option<u64>,
    /// What not to draw
    #[arg(long)]
    pub negative: Option<String>,
    /// A reference picture; can be given several times
    #[arg(long)]
    pub reference: Vec<PathBuf>,
    /// How far to move from the reference picture, 0 to 1
    #[arg(long)]
    pub strength: Option<f64>,
    /// How many, 1 to 4
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4))]
    pub count: u32,
    /// Write it here too
    #[arg(short, long)]
    pub output: Option<PathBuf>,
    /// One JSON object per line
    #[arg(long)]
    pub json: bool,
    /// What to draw
    pub prompt: String,
}

/// `models`
#[derive(Debug, Args)]
pub struct Models {
    /// Only models of this task, e.g. "Text Generation"
    #[arg(long)]
    pub task: Option<String>,
    /// One JSON object per line
    #[arg(long)]
    pub json: bool,
}

/// `usage`
#[derive(Debug, Args)]
pub struct Usage {
    /// How many days back
    #[arg(long, default_value_t = 7)]
    pub days: u32,
    /// One JSON object per line
    #[arg(long)]
    pub json: bool,
}

/// `history ...`
#[derive(Debug, Subcommand)]
pub enum History {
    /// List conversations, newest first
    List {
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// One JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Show a conversation
    Show {
        /// Its id
        conversation: String,
        /// One JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Find what was said
    Search {
        /// Words, or part of a word; Chinese needs no spaces
        query: String,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: u32,
        /// One JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Write conversations to a file
    Export {
        /// The file
        file: PathBuf,
        /// These conversations; all when none is named
        conversations: Vec<String>,
        /// Its form
        #[arg(long, value_enum, default_value_t = Format::Json)]
        format: Format,
    },
    /// Read conversations from Edgewise's JSON or ChatGPT's export; what is there already stays as it is
    Import {
        /// The file
        file: PathBuf,
    },
}

/// Forms of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For reading and editing
    Markdown,
    /// For a browser
    Html,
    /// Lossless, with attachments
    Json,
}

/// `backup`
#[derive(Debug, Args)]
pub struct Backup {
    /// The file to write
    pub file: PathBuf,
}

/// `restore`
#[derive(Debug, Args)]
pub struct Restore {
    /// The file to read
    pub file: PathBuf,
}

/// `simulate`
#[derive(Debug, Args)]
pub struct Simulate {
    /// The port; a free one when absent
    #[arg(long)]
    pub port: Option<u16>,
    /// Tokens per second; as fast as it goes when absent
    #[arg(long)]
    pub speed: Option<f64>,
    /// A JSON file of faults to play
    #[arg(long)]
    pub scenario: Option<PathBuf>,
}

/// `doctor`
#[derive(Debug, Args)]
pub struct Doctor {
    /// Leave out what needs the network: address, token and permission
    #[arg(long)]
    pub offline: bool,
    /// One JSON object per line
    #[arg(long)]
    pub json: bool,
}

/// The folder that the system gives to this app, the same as the window's.
pub fn data_dir() -> Option<PathBuf> {
    const IDENTIFIER: &str = "dev.edgewise.Edgewise";
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if cfg!(windows) {
        return variable("APPDATA").map(|folder| folder.join(IDENTIFIER));
    }
    let home = variable("HOME");
    if cfg!(target_os = "macos") {
        return home.map(|home| home.join("Library/Application Support").join(IDENTIFIER));
    }
    variable("XDG_DATA_HOME")
        .or_else(|| home.map(|home| home.join(".local/share")))
        .map(|folder| folder.join(IDENTIFIER))
}

/// The first instant of a day like 2026-11-28 in UTC, in milliseconds since 1970.
fn day(text: &str) -> Result<i64, jiff::Error> {
    let day: jiff::civil::Date = text.parse()?;
    Ok(day.to_zoned(jiff::tz::TimeZone::UTC)?.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::Arguments;
    use clap::{CommandFactory, Parser};

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_contracted_forms_are_understood() {
        for line in [
            "edgewise-cli chat hello",
            "edgewise-cli chat -m @cf/a/b -c ID --system S --json -",
            "edgewise-cli chat -l NOTES -l OTHER question",
            "edgewise-cli ingest -l NOTES --embedding-model @cf/a/b --json a.pdf folder",
            "edgewise-cli search -l NOTES -k 5 --mode keyword --rerank --json query",
            "edgewise-cli vectors info",
            "edgewise-cli search --recall exact query",
            "edgewise-cli vectors verify --json",
            "edgewise-cli vectors export",
            "edgewise-cli vectors export --format parquet -o F",
            "edgewise-cli image -m M --width 1 --height 1 --steps 1 --seed 1 -o F --json P",
            "edgewise-cli image --count 4 --reference F --reference G --negative N P",
            "edgewise-cli models --task T --json",
            "edgewise-cli usage --json",
            "edgewise-cli history list",
            "edgewise-cli history show ID",
            "edgewise-cli history search Q",
            "edgewise-cli history export F",
            "edgewise-cli history import F",
            "edgewise-cli backup F",
            "edgewise-cli restore F",
            "edgewise-cli simulate --port 1 --speed 20 --scenario F",
            "edgewise-cli doctor --offline --json",
        ] {
            let parsed = Arguments::try_parse_from(line.split(' '));
            assert!(parsed.is_ok(), "{line}: {parsed:?}");
        }
    }
}
