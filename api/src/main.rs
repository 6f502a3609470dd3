//! `qnect`: one binary for the engine and for its operator.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use qnect_api::commands::{CommandError, config, demo, import, keys, report, serve};
use qnect_api::config::Overrides;
use qnect_simulator::OwnerScript;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Reach a vehicle's owner by its QR tag; neither side ever sees the other's number.
#[derive(Parser)]
#[command(name = "qnect", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Plays one masked call on embedded defaults, then serves until Ctrl-C
    Demo(Demo),
    /// Runs the engine in production
    Serve(Serve),
    /// Explains, checks or shows the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Makes keys
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Registers owners and tags in bulk while the server is stopped
    Import {
        #[command(flatten)]
        file: ConfigFile,
        /// One JSON object a line: name, email, phone and, if you like, vehicle, language, time_zone, quiet_hours, night_reasons
        owners: PathBuf,
    },
}

#[derive(Args)]
struct Demo {
    /// Exit after the call; the last line on stdout is its summary as JSON
    #[arg(long)]
    once: bool,
    /// How the owner answers
    #[arg(long, value_enum, default_value = "answers")]
    owner: OwnerScript,
    /// The public listener: the sticker's page, webhooks
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The operations listener: metrics and probes
    #[arg(long, default_value = "127.0.0.1:9464")]
    ops_listen: SocketAddr,
    /// Keep the data here; without it, in a temporary folder
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// The origin under which a real telephone reaches this machine
    #[arg(long)]
    public_base_url: Option<String>,
}

#[derive(Args)]
struct Serve {
    #[command(flatten)]
    file: ConfigFile,
    /// Instead of server.listen
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Instead of server.ops_listen
    #[arg(long)]
    ops_listen: Option<SocketAddr>,
    /// Instead of storage.data_dir
    #[arg(long)]
    data_dir: Option<PathBuf>,
}

#[derive(Args)]
struct ConfigFile {
    /// The configuration; see `qnect config example`
    #[arg(long = "config", value_name = "FILE")]
    path: Option<PathBuf>,
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Prints the documented example file
    Example,
    /// Says whether `serve` would take the configuration, by key and line
    Check(ConfigFile),
    /// Prints the effective values, secrets hidden
    Show(ConfigFile),
}

#[derive(Subcommand)]
enum KeysCommand {
    /// Makes a new master key file; refuses to overwrite
    Init {
        /// Where to make it; mode 0600
        #[arg(long)]
        key_file: PathBuf,
    },
}

fn main() -> ExitCode {
    report(run(Cli::parse().command))
}

fn run(command: Command) -> Result<ExitCode, CommandError> {
    match command {
        Command::Demo(Demo { once, owner, listen, ops_listen, data_dir, public_base_url }) => {
            demo::run(&demo::Options { once, owner, listen, ops_listen, data_dir, public_base_url })
        }
        Command::Serve(Serve { file, listen, ops_listen, data_dir }) => {
            serve::run(file.path.as_deref(), &Overrides { listen, ops_listen, data_dir, public_base_url: None })
        }
        Command::Config(ConfigCommand::Example) => Ok(config::example()),
        Command::Config(ConfigCommand::Check(file)) => Ok(config::check(file.path.as_deref())),
        Command::Config(ConfigCommand::Show(file)) => config::show(file.path.as_deref()),
        Command::Keys(KeysCommand::Init { key_file }) => keys::init(&key_file),
        Command::Import { file, owners } => import::run(file.path.as_deref(), &owners),
    }
}
