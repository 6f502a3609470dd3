//! Status callbacks on their way: lost, late, or in another order, as the faults say.

use crate::call::Call;
use crate::faults::DELAY_SECONDS_MAX;
use crate::method::Method;
use crate::provider::Params;
use crate::report::{LostCallback, Party};
use crate::webhook::Post;

/// Callbacks that were not delivered when they happened. Their number is bounded by that of the call's documents.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// To be delivered in another order.
    shuffled: Vec<Post>,
    /// To be delivered after the call, each at its simulated moment.
    late: Vec<(u64, Post)>,
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
        if let Err(why) = self.send(&post).await {
            self.tell(Party::Provider, format!("a callback failed: {why}"));
        }
    }
}
