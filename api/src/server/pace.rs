//! How long a connection may take over what it is doing. Every deadline of a connection stands here, the first one from
//! accept on, because hyper has none for most of them.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use tokio::time::Instant;

use crate::observe::Awaited;
use crate::server::places::Place;

/// From accept to the end of a handshake.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(5);
/// From accept, or from the end of the handshake, or from the next request's first byte, to a whole head.
const HEAD_TIME_MAX: Duration = Duration::from_secs(5);
/// From accept, or from the next request's first byte, to a whole request: with the answer to one that took longer, its
/// connection is over within ten seconds.
const WHOLE_TIME_MAX: Duration = Duration::from_secs(7);
/// From a whole request, or from the time when it should have been one, to its reading: what looks like a head may be empty
/// lines, behind which nothing comes.
const READING_TIME_MAX: Duration = Duration::from_secs(2);
/// Without a request.
const IDLE_TIME_MAX: Duration = Duration::from_secs(30);
/// Until the client has taken an answer for which it did not have room at once.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(8);
/// How long one request of several at once may take: its body, the answer, and taking it.
pub(super) const STREAM_TIME_MAX: Duration = Duration::from_secs(9);
/// Bytes that may be read on an HTTP/2 connection for each request that comes: head, body and what frames they come in. A
/// flood of frames that ask for nothing ends there.
const BYTES_PER_REQUEST: usize = 128 * 1024;
/// At most so many requests' bytes are saved up.
const REQUESTS_SAVED_MAX: usize = 100;

/// What a connection is doing, until when it may, and its place. Shared by the parts of one connection, on one thread.
pub(super) struct Pace {
    place: Place,
    accepted: Instant,
    phase: Cell<Phase>,
    requests: Cell<usize>,
    /// One of them is the first request of HTTP/2, which has not come.
    awaits_first: Cell<bool>,
    unwritten_since: Cell<Option<Instant>>,
    /// When bytes came last: to read a clock takes as long as a look at a code.
    read: Cell<Instant>,
    bytes_left: Cell<usize>,
    is_over: Cell<bool>,
    is_draining: Cell<bool>,
    /// Of the task that serves the connection.
    task: RefCell<Option<Waker>>,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Handshake(Instant),
    /// Since when, and until when the request is to be whole.
    Head(Instant, Instant),
    /// What looks like a head has come. Until when the request is to be whole.
    Body(Instant),
    Request,
    Idle(Instant),
}

/// Something in hand, until this is dropped.
pub(super) struct InHand(Option<Rc<Pace>>);

impl Pace {
    /// An accepted connection, which begins with a handshake or with a head.
    pub(super) fn accepted(place: Place, is_tls: bool) -> Self {
        let now = Instant::now();
        let phase = if is_tls { Phase::Handshake(now) } else { Phase::Head(now, now + WHOLE_TIME_MAX) };
        Self {
            place,
            accepted: now,
            phase: Cell::new(phase),
            requests: Cell::new(0),
            awaits_first: Cell::new(false),
            unwritten_since: Cell::new(None),
            read: Cell::new(now),
            bytes_left: Cell::new(BYTES_PER_REQUEST),
            is_over: Cell::new(false),
            is_draining: Cell::new(false),
            task: RefCell::default(),
        }
    }

    /// Something is worked at that holds memory: a handshake, a request.
    pub(super) fn in_hand(self: &Rc<Self>) -> InHand {
        self.requests.set(self.requests.get() + 1);
        self.settle();
        InHand(Some(self.clone()))
    }

    /// HTTP/2 has begun, which holds as much memory as a request in hand; the first request takes its place.
    pub(super) fn http2_begins(&self) {
        self.awaits_first.set(true);
        self.requests.set(self.requests.get() + 1);
        self.settle();
    }

    /// The handshake is done.
    pub(super) fn shaken(&self) {
        let now = Instant::now();
        self.place.step(now);
        self.phase.set(Phase::Head(now, self.accepted + WHOLE_TIME_MAX));
    }

    /// A whole head has come, and nothing is made for its request yet. Returns until when it is to be whole.
    pub(super) fn head_came(&self) -> Instant {
        let now = Instant::now();
        self.place.step(now);
        let until = self.whole_until(now);
        self.phase.set(Phase::Body(until));
        until
    }

    /// A request is worked at from `now` on. Returns until when it is to be whole.
    pub(super) fn request(self: &Rc<Self>, now: Instant) -> (InHand, Instant) {
        let until = self.whole_until(now);
        self.phase.set(Phase::Request);
        let bytes = self.bytes_left.get() + BYTES_PER_REQUEST;
        self.bytes_left.set(bytes.min(BYTES_PER_REQUEST * REQUESTS_SAVED_MAX));
        self.place.step(now);
        if self.awaits_first.take() {
            self.requests.set(self.requests.get() - 1);
        }
        (self.in_hand(), until)
    }

    fn whole_until(&self, now: Instant) -> Instant {
        match self.phase.get() {
            Phase::Head(_, until) | Phase::Body(until) => until,
            Phase::Handshake(_) | Phase::Request | Phase::Idle(_) => now + WHOLE_TIME_MAX,
        }
    }

    /// Bytes have come. Returns whether they begin a new head.
    pub(super) fn read(&self) -> bool {
        let (now, is_new) = (Instant::now(), matches!(self.phase.get(), Phase::Idle(_)));
        self.read.set(now);
        if is_new {
            self.phase.set(Phase::Head(now, now + WHOLE_TIME_MAX));
        }
        is_new
    }

    /// When bytes came last.
    pub(super) fn last_read(&self) -> Instant {
        self.read.get()
    }

    /// `count` bytes of frames have come. Returns whether so many may.
    pub(super) fn read_frames(&self, count: usize) -> bool {
        self.read.set(Instant::now());
        let left = self.bytes_left.get().checked_sub(count);
        self.bytes_left.set(left.unwrap_or_default());
        left.is_some()
    }

    /// The client had no room for what was to be written.
    pub(super) fn unwritten(&self) {
        if self.unwritten_since.get().is_none() {
            self.unwritten_since.set(Some(Instant::now()));
            self.settle();
        }
    }

    /// All that was to be written is.
    pub(super) fn written(&self) {
        if self.unwritten_since.take().is_some() {
            self.place.step(Instant::now());
            self.settle();
        }
    }

    /// Whether something waits for the client to make room.
    pub(super) fn is_unwritten(&self) -> bool {
        self.unwritten_since.get().is_some()
    }

    /// One request of several at once took longer than [`STREAM_TIME_MAX`].
    pub(super) fn is_late_with_a_stream(&self) {
        Awaited::Stream.reaped(1);
        self.end();
    }

    /// Does `work` until it is done or the connection is to end: it took too long, or gives way. Nothing is asked of a clock
    /// here: who looks at the clock for all connections of a worker ends those that are too late.
    pub(super) async fn within(&self, work: impl Future) {
        let mut work = pin!(work);
        poll_fn(|context| {
            if work.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            self.woken_by(context.waker());
            if self.is_over.get() || self.place.must_leave() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Tasks have the same waker for life, as far as anybody knows.
    fn woken_by(&self, task: &Waker) {
        let mut known = self.task.borrow_mut();
        if !known.as_ref().is_some_and(|known| known.will_wake(task)) {
            *known = Some(task.clone());
            self.place.woken_by(task);
        }
    }

    /// The listener drains.
    pub(super) fn drain(&self) {
        self.is_draining.set(true);
        self.wake();
    }

    /// Waits until the listener drains: in the work that is done [`within`](Self::within), and nowhere else.
    pub(super) async fn draining(&self) {
        poll_fn(|_| if self.is_draining.get() { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    fn end(&self) {
        self.is_over.set(true);
        self.wake();
    }

    fn wake(&self) {
        if let Some(task) = &*self.task.borrow() {
            task.wake_by_ref();
        }
    }

    /// Ends the connection, and counts it, if a deadline has passed by `now`.
    pub(super) fn look(&self, now: Instant) {
        if let Some((deadline, awaited)) = self.deadline()
            && now >= deadline
            && !self.is_over.get()
        {
            awaited.reaped(1);
            self.end();
        }
    }

    fn deadline(&self) -> Option<(Instant, Awaited)> {
        let until = match self.phase.get() {
            Phase::Handshake(since) => Some((since + HANDSHAKE_TIME_MAX, Awaited::Handshake)),
            Phase::Head(since, whole_until) => Some((whole_until.min(since + HEAD_TIME_MAX), Awaited::Head)),
            Phase::Body(whole_until) => Some((whole_until + READING_TIME_MAX, Awaited::Head)),
            // Bodies and streams have deadlines of their own, and the engine's answers too.
            Phase::Request => None,
            Phase::Idle(since) => Some((since + IDLE_TIME_MAX, Awaited::Idle)),
        };
        let taken_until = self.unwritten_since.get().map(|since| (since + ANSWER_TIME_MAX, Awaited::Answer));
        until.into_iter().chain(taken_until).min_by_key(|(until, _)| *until)
    }

    fn settle(&self) {
        self.place.set_busy(self.requests.get() > 0 || self.is_unwritten());
    }
}

impl InHand {
    /// It is done, at `now`.
    pub(super) fn done(mut self, now: Instant) {
        self.end(|| now);
    }

    fn end(&mut self, now: impl FnOnce() -> Instant) {
        let Some(pace) = self.0.take() else { return };
        let now = now();
        pace.requests.set(pace.requests.get() - 1);
        if pace.requests.get() == 0 && matches!(pace.phase.get(), Phase::Request) {
            pace.phase.set(Phase::Idle(now));
        }
        pace.place.step(now);
        pace.settle();
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.end(Instant::now);
    }
}
