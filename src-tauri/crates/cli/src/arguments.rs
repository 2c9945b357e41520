//! What can be typed. These names are contracts: they may grow, they do not change.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Edgewise on the command line.
#[derive(Debug, Parser)]
#[command(name = "edgewise-cli", version, about = "Edgewise, the desktop for Cloudflare Workers AI, on the command line")]
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

/// `chat`
#[derive(Debug, Args)]
pub struct Chat {
    /// The model, e.g. @cf/zai-org/glm-4.7-flash
    #[arg(short, long)]
    pub model: Option<String>,
    /// The conversation to go on with
    #[arg(short, long)]
    pub conversation: Option<String>,
    /// The system prompt
    #[arg(long)]
    pub system: Option<String>,
    /// One JSON object per line
    #[arg(long)]
    pub json: bool,
    /// The question; `-` reads it from standard input
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
    variable("XDG_DATA_HOME").or_else(|| home.map(|home| home.join(".local/share"))).map(|folder| folder.join(IDENTIFIER))
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
            "edgewise-cli doctor --json",
        ] {
            let parsed = Arguments::try_parse_from(line.split(' '));
            assert!(parsed.is_ok(), "{line}: {parsed:?}");
        }
    }
}
