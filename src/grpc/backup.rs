//! `BackupService`.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use keyward_api::v1 as pb;
use tonic::{Request, Response, Status};

use super::{convert::timestamp, door::Door, status, stream::Items};
use crate::{
    engine::{
        EngineError,
        backup::{Backup, BackupItem, CreateBackup, LastBackup},
    },
    pipeline::{Refusal, Standing},
};

/// How soon a revocation is seen while nothing is sent.
const LOOK: Duration = Duration::from_millis(500);

type Parts = Items<pb::CreateBackupResponse>;

struct Sending {
    standing: Standing<CreateBackup>,
    backup: Backup,
    ended: bool,
}

#[tonic::async_trait]
impl pb::backup_service_server::BackupService for Door {
    type CreateBackupStream = Parts;

    async fn create_backup(&self, request: Request<pb::CreateBackupRequest>) -> Result<Response<Parts>, Status> {
        let pipeline = self.pipeline();
        let facts = super::facts::read(&request, pipeline.lifecycle()).map_err(|refusal| status::of(&refusal))?;
        let begun = pipeline.begin(facts, CreateBackup).await;
        let (backup, standing) = begun.map_err(|refusal| status::of(&refusal))?;
        let sending = Sending { standing, backup, ended: false };
        let parts = stream::unfold(sending, |mut sending| async move {
            if sending.ended {
                return None;
            }
            let part = sending.next().await;
            sending.ended |= part.is_err();
            Some((part.map_err(|refusal| status::of(&refusal)), sending))
        });
        Ok(Response::new(parts.boxed()))
    }
}

impl Sending {
    /// The next part, while the caller still counts and may have it.
    async fn next(&mut self) -> Result<pb::CreateBackupResponse, Refusal> {
        loop {
            let item = tokio::time::timeout(LOOK, self.backup.items.recv()).await;
            let world = self.standing.check().await?;
            let Ok(item) = item else { continue };
            let part = match item {
                Some(BackupItem::Chunk(chunk)) => pb::create_backup_response::Part::Chunk(chunk),
                Some(BackupItem::Summary { made, sha256 }) => {
                    self.standing.pipeline().backed_up(&world, made).await?;
                    self.ended = true;
                    pb::create_backup_response::Part::Summary(summary(&made, sha256))
                }
                Some(BackupItem::Failed(why)) => return Err(EngineError::Unavailable(why).into()),
                None => return Err(EngineError::Unavailable("backup was cut off".to_owned()).into()),
            };
            return Ok(pb::CreateBackupResponse { part: Some(part) });
        }
    }
}

fn summary(made: &LastBackup, sha256: [u8; 32]) -> pb::BackupSummary {
    pb::BackupSummary {
        bytes: made.bytes,
        sha256: sha256.to_vec().into(),
        entries: made.entries,
        revision: made.revision,
        created_at: Some(timestamp(made.at)),
    }
}
