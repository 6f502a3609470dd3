//! What operators and owners change while the engine runs: first it is on disk, then every actor concerned knows it.

use std::sync::Arc;
use std::time::Duration;

use qnect_core::abuse::Signal;
use qnect_core::session_id::SessionId;
use qnect_core::tag::TagConfig;
use qnect_core::tag_code::TagId;
use qnect_storage::{Edit, EditError, Lane, QueueFull, StorageError};

use crate::cells::lock;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::messages::{Configure, ReportAbuse};
use crate::registry::Summons;

/// How often a busy store is asked for what an actor must be told, and how long between.
const ASKED_AT_MOST: u32 = 500;
const ASKED_AGAIN_AFTER: Duration = Duration::from_millis(20);

impl Engine {
    /// Carries out an edit. When it returns, the edit is on stable storage and every decision from now on follows it.
    /// It comes to its end even if whoever commanded it leaves. Which tags it touched, the new ones included.
    pub async fn edit(&self, edit: Edit) -> Result<Vec<TagId>, EditError> {
        let engine = self.clone();
        let edited = actix::spawn(async move {
            if let Edit::Report(session) = edit
                && engine.report(session).await?
            {
                return Ok(Vec::new());
            }
            let blocked = if let Edit::Block(session) = edit { Some(session) } else { None };
            let tags = engine.inner.storage.edit(edit).await?;
            if let Some(session) = blocked {
                engine.note_blocked(session).await;
            }
            // It is on disk: every actor is told, whatever became of the ones before.
            let mut told = Ok(());
            for &tag in &tags {
                told = told.and(engine.hand_on(tag).await);
            }
            told.map(|()| tags)
        });
        edited.await.unwrap_or(Err(EditError::Storage(StorageError::Stopped)))
    }

    /// A caller was blocked, which is a sign of abuse. A store that has no time to say who it was costs the sign, not the block.
    async fn note_blocked(&self, session: SessionId) {
        let stored = self.inner.storage.session(session).await.ok().flatten();
        if let Some((caller, owner)) = stored.and_then(|session| Some((session.bound_to?, session.owner))) {
            let cell = self.inner.cells.callers.of(caller);
            let (policy, now) = (&self.inner.policy, self.inner.clock.now());
            lock(&cell).note(Signal::Blocked, Some(owner), policy, now);
        }
    }

    /// Reports the call of a session to the machine that holds it: what a machine holds it would write over. Whether it is on
    /// stable storage now; `false` when no machine holds the session, which has ended long ago.
    async fn report(&self, session: SessionId) -> Result<bool, EditError> {
        let failed = |error| match error {
            EngineError::Overloaded | EngineError::ActorLost => EditError::Busy,
            _ => EditError::Storage(StorageError::Stopped),
        };
        let visit = match self.enter(session.tag(), Lane::Webhooks).await {
            Err(EngineError::UnknownTag) => return Ok(false),
            visit => visit.map_err(failed)?,
        };
        let told = visit.tell(ReportAbuse(session)).await.map_err(failed)?;
        drop(visit);
        let (is_reported, promise) = told.map_err(|QueueFull| EditError::Busy)?;
        if is_reported == Some(false) {
            return Err(EditError::NothingToReport);
        }
        if let Some(promise) = promise {
            promise.kept().await?;
        }
        Ok(is_reported.is_some())
    }

    /// What is stored of a tag. A busy store is asked again: an actor that is not told would go on with what was.
    async fn stored_config(&self, tag: TagId) -> Result<Option<TagConfig>, EditError> {
        for _ in 1..ASKED_AT_MOST {
            match self.inner.storage.tag_config(tag).await {
                Err(EditError::Busy) => tokio::time::sleep(ASKED_AGAIN_AFTER).await,
                read => return read,
            }
        }
        self.inner.storage.tag_config(tag).await
    }

    /// Sees to it that nothing in memory contradicts what is stored of a tag.
    async fn hand_on(&self, tag: TagId) -> Result<(), EditError> {
        let inner = &self.inner;
        // Read and told under one lock: what is told last was read last.
        let _one_at_a_time = inner.handing_on.lock().await;
        while let Some(summons) = inner.registry.summon(tag) {
            match summons {
                Summons::Visit(visit) => {
                    if let Some(config) = self.stored_config(tag).await? {
                        // An actor that is lost on the way leaves its place to one that reads what is stored.
                        let _ = visit.tell(Configure(Arc::new(config))).await;
                    }
                    break;
                }
                // Whoever fetches the tag may have read it before the edit: told when it is there. An error means that
                // it will not be, and who asks next will read what is stored.
                Summons::Wait(loaded) => drop(loaded.await),
            }
        }
        // Only now: a fetch that found nothing has said so here before it let go of its place.
        inner.unknown_tags.invalidate(&tag);
        Ok(())
    }
}
