//! Time on the scanner's line, and what ends it from outside.

use crate::call::Call;
use crate::ending::Ending;
use crate::records::EndAsked;
use crate::report::Party;
use crate::telephone::Moment;

impl Call<'_> {
    /// Lets `ms` go by on the scanner's line.
    pub(crate) async fn stay(&mut self, ms: u64) -> Result<(), Ending> {
        self.stay_until(self.clock.now_ms() + ms).await
    }

    /// Waits until `at_ms`, or until the line ends. An owner's leg that the API ends stops the wait too.
    pub(crate) async fn stay_until(&mut self, at_ms: u64) -> Result<(), Ending> {
        let (ends_ms, ending) = self.line_ends;
        if self.over {
            return Err(ending);
        }
        // Asked for already: nothing is waited for, however fast time goes.
        let asked = [&self.scanner_end, &self.owner_end].into_iter().flatten().any(EndAsked::is_true);
        if !asked {
            let (scanner, owner) = (self.scanner_end.as_mut(), self.owner_end.as_mut());
            let woken = async {
                tokio::select! {
                    () = turns_true(scanner) => {}
                    () = turns_true(owner) => {}
                }
            };
            self.clock.wait_until(at_ms.min(ends_ms), woken).await;
        }
        if self.scanner_end.as_ref().is_some_and(EndAsked::is_true) {
            self.tell(Party::Provider, "provider hangs up, as its API was asked to");
            let answered = self.leg.answered_ms.is_some();
            return Err(self.line_over(if answered { Ending::HungUpByApi } else { Ending::CancelledByApi }));
        }
        if self.clock.now_ms() < ends_ms {
            return Ok(());
        }
        if ending == Ending::CallerHangsUp {
            self.tell(Party::Scanner, "scanner hangs up");
        }
        Err(self.line_over(ending))
    }

    /// From now on the scanner's line is over.
    pub(crate) fn line_over(&mut self, ending: Ending) -> Ending {
        self.over = true;
        self.line_ends = (self.clock.now_ms(), ending);
        ending
    }

    /// The scanner hangs up now, if this is the moment for it.
    pub(crate) fn notice(&mut self, moment: Moment) {
        if self.dial.hang_up_when == Some(moment) && !self.over {
            self.line_ends = (self.clock.now_ms(), Ending::CallerHangsUp);
        }
    }
}

async fn turns_true(asked: Option<&mut EndAsked>) {
    match asked {
        Some(asked) => asked.turns_true().await,
        None => std::future::pending().await,
    }
}
