//! From the configuration's words to the engine's options.

use std::path::Path;
use std::time::Duration;

use qnect_core::limiter::Quota;
use qnect_core::number::IntermediaryNumber;
use qnect_core::policy::Policy;
use qnect_core::provider_request::ProviderRequest;
use qnect_core::time::Span;
use qnect_engine::{AccountPlan, EngineOptions, NumberPlan};
use qnect_storage::keys::MasterKey;
use qnect_storage::{Grouping, OpenOptions, SpaceOptions};
use tokio::sync::mpsc;

use crate::config::{Config, Provider};
use crate::doors::webhooks::Correspondent;
use crate::outbox::Account;

/// What the engine is to be started with. Numbers were checked when the configuration was read; one that is none
/// is passed over.
pub fn engine_options(config: &Config, provider_requests: mpsc::Sender<ProviderRequest>) -> EngineOptions {
    let parse = |number: &String| IntermediaryNumber::parse(number).ok();
    let plan = |n: &crate::config::Number| Some(NumberPlan { number: parse(&n.number)?, digits: n.access_code_digits });
    let limits = &config.limits;
    let hourly = |limit: u32| Quota::new(limit, Span::HOUR);
    EngineOptions {
        policy: Policy {
            tag_rings: hourly(limits.tag_rings_per_hour),
            tag_urgent_rings: hourly(limits.tag_urgent_rings_per_hour),
            tag_open_sessions_max: limits.tag_open_sessions_max as usize,
            address_scans: Quota::new(limits.address_scans_per_minute, Span::from_secs(60)),
            address_sessions: hourly(limits.address_sessions_per_hour),
            caller_rings: hourly(limits.caller_rings_per_hour),
            owner_rings: Quota::new(limits.owner_rings_per_day, Span::DAY),
            withheld_rings: hourly(limits.withheld_rings_per_tag_per_hour),
            challenge_at: config.abuse.challenge_at,
            refuse_at: config.abuse.refuse_at,
            provider_records_kept: Span::from_secs(u64::from(config.privacy.provider_record_hours) * 3_600),
            allowed_prefixes: config.calls.allowed_prefixes.clone(),
            ring: Span::from_secs(config.calls.ring_seconds.into()),
            talk: Span::from_secs(config.calls.talk_seconds.into()),
            session_life: Span::from_secs(u64::from(config.calls.session_minutes) * 60),
            owner_caller_id: config.calls.owner_caller_id.as_ref().and_then(parse),
        },
        numbers: config.numbers.iter().filter_map(plan).collect(),
        accounts: account_plans(config),
        tag_idle: Span::from_secs(config.engine.tag_idle_seconds.into()),
        active_tags_max: config.engine.active_tags_max as usize,
        provider_requests,
    }
}

/// The limits of our accounts at the providers that have their section.
fn account_plans(config: &Config) -> Vec<AccountPlan> {
    let limits = |provider: Provider| match provider {
        Provider::Plivo => config.providers.plivo.as_ref().map(|p| (p.lines_max, p.calls_per_second)),
        Provider::Twilio => config.providers.twilio.as_ref().map(|t| (t.lines_max, t.calls_per_second)),
    };
    let plan = |provider: Provider| {
        let (lines_max, calls_per_second) = limits(provider)?;
        let label = provider.tongue().name();
        Some(AccountPlan { label, lines_max, calls_per_second, numbers: carried_by(config, provider) })
    };
    Provider::ALL.into_iter().filter_map(plan).collect()
}

fn carried_by(config: &Config, provider: Provider) -> Vec<IntermediaryNumber> {
    let carried = config.numbers.iter().filter(|number| number.provider == provider);
    carried.filter_map(|number| IntermediaryNumber::parse(&number.number).ok()).collect()
}

/// How the store of a running engine is to be opened.
pub fn open_options<'a>(config: &Config, folder: &'a Path, master: &'a MasterKey) -> OpenOptions<'a> {
    let storage = &config.storage;
    OpenOptions {
        grouping: Grouping {
            records_max: storage.commit_records_max as usize,
            wait: Duration::from_micros(storage.commit_wait_microseconds.into()),
        },
        space: SpaceOptions {
            ballast_bytes: u64::from(storage.ballast_mebibytes) << 20,
            free_percent_min: storage.free_percent_min,
        },
        memtable_bytes: memtable_bytes(config),
        ..OpenOptions::new(folder, master)
    }
}

/// Bytes of a memtable in a folder that is made now.
pub fn memtable_bytes(config: &Config) -> u64 {
    u64::from(config.storage.memtable_kibibytes) << 10
}

/// The providers that have their section.
pub fn correspondents(config: &Config) -> Vec<Correspondent> {
    let secret = |provider: &Provider| match provider {
        Provider::Plivo => config.providers.plivo.as_ref().map(|p| p.auth_token.clone()),
        Provider::Twilio => config.providers.twilio.as_ref().map(|t| t.auth_token.clone()),
    };
    let correspondent = |p: Provider| Some(Correspondent::new(p.tongue(), secret(&p)?));
    Provider::ALL.into_iter().filter_map(correspondent).collect()
}

/// Our accounts at the providers that have their section.
pub fn accounts(config: &Config) -> Vec<Account> {
    let account = |provider: Provider| {
        let (api_base_url, account, secret) = match provider {
            Provider::Plivo => {
                let plivo = config.providers.plivo.as_ref()?;
                (&plivo.api_base_url, &plivo.auth_id, &plivo.auth_token)
            }
            Provider::Twilio => {
                let twilio = config.providers.twilio.as_ref()?;
                (&twilio.api_base_url, &twilio.account_sid, &twilio.auth_token)
            }
        };
        Some(Account {
            rest: provider.rest(),
            api_base_url: api_base_url.clone(),
            account: account.clone(),
            secret: secret.clone(),
            numbers: carried_by(config, provider),
        })
    };
    Provider::ALL.into_iter().filter_map(account).collect()
}
