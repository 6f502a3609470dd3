//! What the binary is told on its command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use qnect_simulator::OwnerScript;

/// Reach a vehicle's owner by its QR tag; neither side ever sees the other's number.
#[derive(Parser)]
#[command(name = "qnect", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Plays one masked call on embedded defaults, then serves until Ctrl-C
    Demo(Demo),
    /// Runs the engine in production
    Serve(Serve),
    /// Explains, checks or shows the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Looks at clock, disk, keys, limits, providers and the public address, and says what to do; before the first start, and
    /// when something is odd
    ///
    /// It takes ten seconds at most, and changes nothing: what it writes into the data folder to measure the disk is removed
    /// again. Run it as the engine's user or as root. A running engine is not disturbed; where none runs, none can start
    /// for the moment in which the journals are read. Providers are asked for the account, and the public address for a
    /// page that is not there. Exit code 1 when a check fails; warnings alone are 0.
    Doctor(Examined),
    /// Makes keys, and backs them up
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Copies the database as it is now into one sealed file; of a running engine too, whose work goes on
    ///
    /// The file holds everything but the key table, without which nobody can be read; that has a backup of its own, see
    /// `qnect keys backup`. What is written is read back before the file gets its name.
    Backup(CopyTo),
    /// Makes a data folder from a backup: all of it, or nothing
    ///
    /// storage.data_dir must be empty, or hold only keys.table. A restore that was cut off is begun again by the same
    /// command; until then no engine starts there.
    Restore {
        #[command(flatten)]
        file: ConfigFile,
        /// A file that `qnect backup` has written
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
        /// The last file that `qnect keys backup` has written; not needed where keys.table is in its place
        #[arg(long, value_name = "FILE")]
        keys: Option<PathBuf>,
    },
    /// Looks at everything that is stored, and says what is wrong and where; on a running engine too
    ///
    /// Nothing is changed. Without an engine it needs room in the data folder for a copy of the journals and of the key
    /// table. Exit code 70 when something is wrong.
    Verify(Operator),
    /// Mends a data folder that a start refuses, where nothing that was acknowledged is lost by it
    ///
    /// Only while no engine runs. Cuts off what stands behind the last good commit; the journals are kept as they were.
    Repair(ConfigFile),
    /// Registers owners and tags in bulk while the server is stopped
    Import {
        #[command(flatten)]
        file: ConfigFile,
        /// One JSON object a line: name, email, phone and, if you like, vehicle, language, time_zone, quiet_hours, night_reasons
        owners: PathBuf,
    },
    /// Makes tags, shows them, and switches them off and on; on a running engine too
    #[command(subcommand)]
    Tags(TagsCommand),
    /// Shows owners, masked, and changes what is stored of them; on a running engine too
    #[command(subcommand)]
    Owners(OwnersCommand),
    /// Shows a session, reports its call as abuse, and blocks its caller without a number; on a running engine too
    #[command(subcommand)]
    Sessions(SessionsCommand),
}

#[derive(Args)]
pub(crate) struct Demo {
    /// Exit after the call; the last line on stdout is its summary as JSON
    #[arg(long)]
    pub(crate) once: bool,
    /// How the owner answers
    #[arg(long, value_enum, default_value = "answers")]
    pub(crate) owner: OwnerScript,
    /// The public listener: the sticker's page, webhooks
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// The operations listener: metrics and probes
    #[arg(long, default_value = "127.0.0.1:9464")]
    pub(crate) ops_listen: SocketAddr,
    /// Keep the data here; without it, in a temporary folder
    #[arg(long)]
    pub(crate) data_dir: Option<PathBuf>,
    /// The origin under which a real telephone reaches this machine
    #[arg(long)]
    pub(crate) public_base_url: Option<String>,
}

#[derive(Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// Instead of server.listen
    #[arg(long)]
    pub(crate) listen: Option<SocketAddr>,
    /// Instead of server.ops_listen
    #[arg(long)]
    pub(crate) ops_listen: Option<SocketAddr>,
    /// Instead of storage.data_dir
    #[arg(long)]
    pub(crate) data_dir: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct ConfigFile {
    /// The configuration; see `qnect config example`
    #[arg(long = "config", value_name = "FILE")]
    pub(crate) path: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum ConfigCommand {
    /// Prints the documented example file
    Example,
    /// Says whether `serve` would take the configuration, by key and line
    Check(ConfigFile),
    /// Prints the effective values, secrets hidden
    Show(ConfigFile),
}

#[derive(Subcommand)]
pub(crate) enum KeysCommand {
    /// Makes a new master key file; refuses to overwrite
    Init {
        /// Where to make it; mode 0600
        #[arg(long)]
        key_file: PathBuf,
    },
    /// Copies the key table into one file, sealed as it is; of a running engine too
    ///
    /// Back it up more often than the database: one that is older than a backup cannot read it. Keep few copies, and not
    /// for long: whoever was erased since can be read again with an old one. Keep them away from the database's backups
    /// and from the master key.
    Backup(CopyTo),
}

#[derive(Args)]
pub(crate) struct CopyTo {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// Where to write it; mode 0600
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Overwrite that file
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Args)]
pub(crate) struct Operator {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Examined {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
pub(crate) enum TagsCommand {
    /// Makes tags that nobody has claimed, or one for an owner who is registered; prints codes and URLs
    Mint {
        #[command(flatten)]
        operator: Operator,
        /// How many
        #[arg(long, default_value = "1", conflicts_with = "owner")]
        count: usize,
        /// The owner of the one new tag, by id
        #[arg(long, value_name = "ID")]
        owner: Option<String>,
        /// The registration of that owner's vehicle
        #[arg(long, requires = "owner")]
        vehicle: Option<String>,
    },
    /// Shows a tag, or writes its sticker
    Show {
        #[command(flatten)]
        operator: Operator,
        /// What is printed on the sticker; case and hyphens do not matter
        code: String,
        /// Write the sticker to this file, to be printed at 60 x 80 mm
        #[arg(long, value_name = "FILE")]
        svg: Option<PathBuf>,
        /// Overwrite that file
        #[arg(long, requires = "svg")]
        force: bool,
    },
    /// Shows when a tag was looked at, the latest first: time, class of device, class of browser
    Scans {
        #[command(flatten)]
        operator: Operator,
        /// What is printed on the sticker; case and hyphens do not matter
        code: String,
        /// In how many of the last hours, 24 at most; of more than 1,000 looks, the latest are shown
        #[arg(long, default_value = "1")]
        hours: u32,
    },
    /// Switches a tag off: it answers like an unknown one until it is resumed
    Suspend(OneTag),
    /// Switches a suspended tag on again
    Resume(OneTag),
    /// Switches a tag off for good: it never comes back
    Retire(OneTag),
    /// Hears an appeal: the calls that its owner did not want so far count no more against callers of this tag.
    Appeal(OneTag),
}

#[derive(Args)]
pub(crate) struct OneTag {
    #[command(flatten)]
    pub(crate) operator: Operator,
    /// What is printed on the sticker; case and hyphens do not matter
    pub(crate) code: String,
}

#[derive(Subcommand)]
pub(crate) enum OwnersCommand {
    /// Shows an owner by id, or whoever has a number or an address
    Show {
        #[command(flatten)]
        operator: Operator,
        #[command(flatten)]
        who: Who,
    },
    /// Changes what is stored of an owner; the next scan and the next call follow it
    Set {
        #[command(flatten)]
        operator: Operator,
        /// The owner's id
        id: String,
        #[command(flatten)]
        set: Set,
    },
    /// Pauses an owner's calls, but for the night reasons
    Pause {
        #[command(flatten)]
        operator: Operator,
        /// The owner's id
        id: String,
        /// For so long; without it, until resumed
        #[arg(long, value_name = "N")]
        minutes: Option<u32>,
    },
    /// Ends a pause
    Resume {
        #[command(flatten)]
        operator: Operator,
        /// The owner's id
        id: String,
    },
    /// Lets every caller through again whom an owner has blocked
    Unblock {
        #[command(flatten)]
        operator: Operator,
        /// The owner's id
        id: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum SessionsCommand {
    /// Shows what became of a session: no number, no code, and nobody who called
    Show(OneSession),
    /// Reports the call of a session as abuse, as its owner can by pressing 2
    Report(OneSession),
    /// Blocks the caller of a session at all tags of its owner, as the owner can by pressing 9
    ///
    /// The caller hears that the owner cannot be reached, with every code and for every reason, until let through again. A
    /// caller who withheld the number has no name that could be blocked; what such callers may do is bounded by
    /// limits.withheld_rings_per_tag_per_hour.
    Block(OneSession),
    /// Lets the caller of a session through again
    Unblock(OneSession),
}

#[derive(Args)]
pub(crate) struct OneSession {
    #[command(flatten)]
    pub(crate) operator: Operator,
    /// Its id, or the address of its page; - reads it from standard input, because whoever has it can open that page
    pub(crate) session: String,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Who {
    /// The owner's id
    pub(crate) id: Option<String>,
    /// Everyone with this number, in its international form
    #[arg(long)]
    pub(crate) phone: Option<String>,
    /// Everyone with this address
    #[arg(long)]
    pub(crate) email: Option<String>,
}

#[derive(Args)]
#[group(id = "changes", required = true, multiple = true)]
pub(crate) struct Set {
    /// The name
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The address of e-mail
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// Where calls go, in its international form
    #[arg(long)]
    pub(crate) phone: Option<String>,
    /// The language of the whisper: en or hi
    #[arg(long)]
    pub(crate) language: Option<String>,
    /// The zone of the quiet hours, such as Asia/Kolkata
    #[arg(long)]
    pub(crate) time_zone: Option<String>,
    /// Such as 22:00-07:00, or none
    #[arg(long)]
    pub(crate) quiet_hours: Option<String>,
    /// What rings even then, with commas between, or none
    #[arg(long)]
    pub(crate) night_reasons: Option<String>,
}
