//! `qnect`: one binary for the engine and for its operator.

mod arguments;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ContextKind;
use qnect_api::commands::print::Form;
use qnect_api::commands::tags::Tags;
use qnect_api::commands::{
    CommandError, backup, config, demo, doctor, import, keys, owners, repair, report, restore, serve, sessions, tags,
    verify,
};
use qnect_api::config::Overrides;
use qnect_api::control::{OwnerFields, Request, SessionAct, TagMove};

use crate::arguments::{
    Cli, Command, ConfigCommand, CopyTo, Demo, Examined, KeysCommand, OneSession, OneTag, Operator, OwnersCommand,
    Serve, SessionsCommand, Set, TagsCommand, Who,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => report(run(cli.command)),
        Err(error) => refuse(&error),
    }
}

/// Prints why a command line cannot be read. What operators write after `owners`, `tags` and `sessions` names people or opens
/// a page, and a value that is out of place must not be repeated into a log.
fn refuse(error: &clap::Error) -> ExitCode {
    let is_secret = |first: OsString| ["owners", "tags", "sessions"].iter().any(|command| first == *command);
    if error.use_stderr() && std::env::args_os().nth(1).is_some_and(is_secret) {
        let (what, context) = (error.kind(), error.get(ContextKind::Usage));
        let usage = context.map(|usage| format!("\n\n{usage}")).unwrap_or_default();
        eprintln!("error: {what}; put a value with spaces into quotes{usage}\n\nFor more information, try '--help'.");
        return ExitCode::from(2);
    }
    // A closed pipe: the exit code still tells.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
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
        Command::Doctor(Examined { file, json }) => doctor::run(file.path.as_deref(), form(json)),
        Command::Keys(KeysCommand::Init { key_file }) => keys::init(&key_file),
        Command::Keys(KeysCommand::Backup(CopyTo { file, out, force })) => {
            backup::keys(file.path.as_deref(), &out, force)
        }
        Command::Backup(CopyTo { file, out, force }) => backup::run(file.path.as_deref(), &out, force),
        Command::Restore { file, from, keys } => restore::run(file.path.as_deref(), &from, keys.as_deref()),
        Command::Verify(Operator { file, json }) => verify::run(file.path.as_deref(), form(json)),
        Command::Repair(file) => repair::run(file.path.as_deref()),
        Command::Import { file, owners } => import::run(file.path.as_deref(), &owners),
        Command::Tags(command) => run_tags(command),
        Command::Owners(command) => run_owners(command),
        Command::Sessions(command) => run_sessions(command),
    }
}

fn run_tags(command: TagsCommand) -> Result<ExitCode, CommandError> {
    let step = |OneTag { operator, code }, to| (operator, Tags::Move { code, to });
    let (Operator { file, json }, command) = match command {
        TagsCommand::Mint { operator, count: _, owner: Some(owner), vehicle } => {
            (operator, Tags::MintFor { owner, vehicle })
        }
        TagsCommand::Mint { operator, count, owner: None, vehicle: _ } => (operator, Tags::Mint { count }),
        TagsCommand::Show { operator, code, svg, force } => (operator, Tags::Show { code, sticker: svg, force }),
        TagsCommand::Scans { operator, code, hours } => (operator, Tags::Scans { code, hours }),
        TagsCommand::Suspend(tag) => step(tag, TagMove::Suspend),
        TagsCommand::Resume(tag) => step(tag, TagMove::Resume),
        TagsCommand::Retire(tag) => step(tag, TagMove::Retire),
        TagsCommand::Appeal(tag) => step(tag, TagMove::Appeal),
    };
    tags::run(file.path.as_deref(), form(json), command)
}

fn run_owners(command: OwnersCommand) -> Result<ExitCode, CommandError> {
    let (Operator { file, json }, request) = match command {
        OwnersCommand::Show { operator, who: Who { id: Some(owner), .. } } => (operator, Request::ShowOwner { owner }),
        OwnersCommand::Show { operator, who: Who { id: None, phone, email } } => {
            (operator, Request::FindOwners { phone, email })
        }
        OwnersCommand::Set { operator, id, set } => {
            let Set { name, email, phone, language, time_zone, quiet_hours, night_reasons } = set;
            let set = OwnerFields { name, email, phone, language, time_zone, quiet_hours, night_reasons };
            (operator, Request::SetOwner { owner: id, set })
        }
        OwnersCommand::Pause { operator, id, minutes } => (operator, Request::PauseOwner { owner: id, minutes }),
        OwnersCommand::Resume { operator, id } => (operator, Request::ResumeOwner { owner: id }),
        OwnersCommand::Unblock { operator, id } => (operator, Request::UnblockOwner { owner: id }),
    };
    owners::run(file.path.as_deref(), form(json), request)
}

fn run_sessions(command: SessionsCommand) -> Result<ExitCode, CommandError> {
    let (OneSession { operator: Operator { file, json }, session }, act) = match command {
        SessionsCommand::Show(session) => (session, None),
        SessionsCommand::Report(session) => (session, Some(SessionAct::Report)),
        SessionsCommand::Block(session) => (session, Some(SessionAct::Block)),
        SessionsCommand::Unblock(session) => (session, Some(SessionAct::Unblock)),
    };
    sessions::run(file.path.as_deref(), form(json), session, act)
}

fn form(json: bool) -> Form {
    if json { Form::Json } else { Form::Text }
}
