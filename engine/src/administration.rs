//! What operators and owners change while the engine runs: first it is on disk, then every actor concerned knows it.

use std::sync::Arc;

use qnect_core::tag_code::TagId;
use qnect_storage::{Edit, EditError, StorageError};

use crate::engine::Engine;
use crate::messages::Configure;
use crate::registry::Summons;

impl Engine {
    /// Carries out an edit. When it returns, the edit is on stable storage and every decision from now on follows it.
    /// It comes to its end even if whoever commanded it leaves. Which tags it touched, the new ones included.
    pub async fn edit(&self, edit: Edit) -> Result<Vec<TagId>, EditError> {
        let engine = self.clone();
        let edited = actix::spawn(async move {
            let tags = engine.inner.storage.edit(edit).await?;
            for &tag in &tags {
                engine.hand_on(tag).await?;
            }
            Ok(tags)
        });
        edited.await.unwrap_or(Err(EditError::Storage(StorageError::Stopped)))
    }

    /// Sees to it that nothing in memory contradicts what is stored of a tag.
    async fn hand_on(&self, tag: TagId) -> Result<(), EditError> {
        let inner = &self.inner;
        // Read and told under one lock: what is told last was read last.
        let _one_at_a_time = inner.handing_on.lock().await;
        while let Some(summons) = inner.registry.summon(tag) {
            match summons {
                Summons::Visit(visit) => {
                    if let Some(config) = inner.storage.tag_config(tag).await? {
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
