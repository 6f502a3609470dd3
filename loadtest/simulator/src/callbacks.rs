//! Status callbacks on their way: lost, late, or in another order, as the faults say, or held back by an outage.

use tokio::task::JoinHandle;

use crate::call::Call;
use crate::faults::DELAY_SECONDS_MAX;
use crate::http::Reply;
use crate::method::Method;
use crate::provider::Params;
use crate::report::{Exchange, LostCallback, Party};
use crate::webhook::{Post, Sent};

/// Callbacks that were not delivered when they happened. Their number is bounded by that of the call's documents.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// To be delivered in another order.
    shuffled: Vec<Post>,
    /// To be delivered after the call, each at its simulated moment.
    late: Vec<(u64, Post)>,
    /// Waiting for the end of an outage, while the call goes on.
    queued: Vec<JoinHandle<(Sent, Vec<Exchange>)>>,
}

impl Call<'_> {
    /// Tells the engine something; its answer changes nothing.
    pub(crate) async fn call_back(&mut self, url: &str, method: Method, params: Params) {
        let faults = self.shared.mailer.config().faults;
        let now = self.clock.now_ms();
        let post = Post { url: url.to_owned(), method, params, at_ms: now };
        if self.luck.happens(faults.drop) {
            self.report.callbacks_lost += 1;
            let Post { url, method, params, .. } = post;
            self.report.lost.push(LostCallback { url, method, params });
            self.tell(Party::Provider, "a callback gets lost on its way");
            return;
        }
        if self.luck.happens(faults.delay) {
            let late_ms = 1_000 * (1 + self.luck.below(DELAY_SECONDS_MAX));
            self.held.late.push((now + late_ms, post));
            return;
        }
        if faults.reorder == 0 {
            self.deliver(post).await;
            return;
        }
        self.held.shuffled.push(post);
        if self.held.shuffled.len() == usize::from(faults.reorder) {
            self.deliver_shuffled().await;
        }
    }

    /// Delivers what is still held, when the call is over.
    pub(crate) async fn deliver_held(&mut self) {
        self.deliver_shuffled().await;
        let mut late = std::mem::take(&mut self.held.late);
        late.sort_by_key(|(due_ms, _)| *due_ms);
        for (due_ms, post) in late {
            self.clock.wait_until(due_ms, std::future::pending()).await;
            self.tell(Party::Provider, "a late callback arrives");
            self.deliver(post).await;
        }
        for queued in std::mem::take(&mut self.held.queued) {
            let (sent, exchanges) = queued.await.unwrap_or_else(|cause| (Err(cause.to_string()), Vec::new()));
            self.report.exchanges.extend(exchanges);
            let answered = self.answered(sent);
            self.arrived(answered);
        }
    }

    async fn deliver_shuffled(&mut self) {
        let mut shuffled = std::mem::take(&mut self.held.shuffled);
        self.luck.shuffle(&mut shuffled);
        for post in shuffled {
            self.deliver(post).await;
        }
    }

    async fn deliver(&mut self, post: Post) {
        let post = Post { at_ms: self.clock.now_ms(), ..post };
        if self.shared.mailer.outage.is_on() {
            let shared = self.shared.clone();
            self.held.queued.push(tokio::spawn(async move {
                let mut exchanges = Vec::new();
                (shared.mailer.deliver(&shared.draw, &post, &mut exchanges).await, exchanges)
            }));
            return;
        }
        let answered = self.send(&post).await;
        self.arrived(answered);
    }

    fn arrived(&mut self, answered: Result<Reply, String>) {
        if let Err(why) = answered {
            self.tell(Party::Provider, format!("a callback failed: {why}"));
        }
    }
}
