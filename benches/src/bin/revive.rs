//! How many tags a second come back into memory: the first scan of each tag after a start, by the engine as a library,
//! because over HTTP this would measure HTTP. The store is cold (a process that has just started, over a filled and
//! closed folder); the kernel's copy of its files may be warm.
//!
//! ```text
//! revive --config FILE --codes FILE [--at-once 128]
//! ```
//!
//! Prints one JSON object.

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use qnect_benches::Failure;
use qnect_benches::life::{Opened, workers};
use qnect_benches::options::Options;
use qnect_core::scan::{AddressKey, AddressPrefix, BrowserClass, DeviceClass, Scan};
use qnect_core::tag_code::TagCode;
use qnect_engine::{Engine, host};
use tokio::sync::mpsc;

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "usage: revive --config FILE --codes FILE [--at-once N]";

fn main() -> ExitCode {
    match Options::parse(std::env::args().skip(1)).and_then(|options| revive(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("revive: {failure}\n{USAGE}");
            ExitCode::FAILURE
        }
    }
}

fn revive(options: &Options) -> Result<(), Failure> {
    let opened = Opened::of(options.text("config")?.as_ref())?;
    let lines = options.lines("codes")?;
    let code = |line: &String| {
        TagCode::read(line, opened.storage().keys().checks()).ok_or("a line is no tag code of this folder")
    };
    let codes: Arc<Vec<TagCode>> = Arc::new(lines.iter().map(code).collect::<Result<_, _>>()?);
    let (count, at_once) = (workers(), options.number_or("at-once", 128)?);
    host(count, async |workers| {
        let engine = opened.start(&workers)?.engine;
        let (done, mut ended) = mpsc::channel(at_once);
        let began = Instant::now();
        let (visited, ending) = (codes.clone(), engine.clone());
        workers.on_each(move |worker| {
            let visitors = (worker..at_once).step_by(count);
            for first in visitors {
                let (engine, codes, done) = (engine.clone(), visited.clone(), done.clone());
                tokio::task::spawn_local(async move {
                    // The one who waits for it is there until all have ended.
                    let _ = done.send(visit(&engine, &codes, first, at_once).await).await;
                });
            }
            std::future::ready(())
        });
        let mut failed = 0;
        for _ in 0..at_once {
            failed += ended.recv().await.ok_or("a visitor was lost")?;
        }
        let seconds = began.elapsed().as_secs_f64();
        // All of them end now, and none is lost.
        ending.begin_drain();
        let (tags, per_second) = (codes.len(), codes.len() as f64 / seconds);
        println!(
            "{{\"tags\":{tags},\"seconds\":{seconds:.3},\"per_second\":{per_second:.0},\"at_once\":{at_once},\"errors\":{failed}}}"
        );
        Ok(())
    })
}

/// Looks at every tag of one visitor's share; returns how many did not answer.
async fn visit(engine: &Engine, codes: &[TagCode], first: usize, step: usize) -> usize {
    let mut failed = 0;
    for (nth, code) in codes.iter().enumerate().skip(first).step_by(step) {
        let address = Ipv4Addr::from_bits(0x0a00_0000 + (nth as u32 & 0xffff)).into();
        let scan =
            Scan { address: AddressPrefix::of(address), device: DeviceClass::Phone, browser: BrowserClass::Chromium };
        failed += usize::from(engine.scan(*code, scan, AddressKey::of(address)).await.is_err());
    }
    failed
}
