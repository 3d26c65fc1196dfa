//! The watch of a keyset. Every keyset that is sent takes the whole pipeline; in between, whether the node still counts is
//! looked at several times a second, from hot tables.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use keyward_api::v1 as pb;
use tokio::time::Instant;
use tonic::{Request, Status};

use crate::{
    engine::node::{GetKeyset, NodeKeyset, known},
    grpc::{door::Door, status, stream::Items},
    pipeline::{Refusal, Standing},
};

pub(super) type Events = Items<pb::WatchKeysetResponse>;

/// How soon a change or a revocation is seen.
const LOOK: Duration = Duration::from_millis(250);
/// A sign of life, well within what nodes wait for.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// For each run of the pipeline.
const DEADLINE: Duration = Duration::from_secs(10);

struct Watch {
    standing: Standing<GetKeyset>,
    /// What the node has.
    generation: u64,
    told: Instant,
    ended: bool,
}

/// The first answer comes at once: the keyset, or a sign of life for a node that has it.
pub(super) async fn start(door: &Door, request: &Request<pb::WatchKeysetRequest>) -> Result<Events, Status> {
    let pipeline = door.pipeline();
    let facts = crate::grpc::facts::read(request, pipeline.lifecycle()).map_err(|refusal| status::of(&refusal))?;
    let held = request.get_ref().generation;
    let begun = pipeline.begin(facts, GetKeyset).await;
    let (keyset, standing) = begun.map_err(|refusal| status::of(&refusal))?;
    let newest = keyset.cluster.generation;
    let first = if newest == held { keep_alive(newest) } else { changed(keyset) };
    let watch = Watch { standing, generation: newest, told: Instant::now(), ended: false };
    let rest = stream::unfold(watch, |mut watch| async move {
        if watch.ended {
            return None;
        }
        let event = watch.next().await;
        watch.ended = event.is_err();
        Some((event.map_err(|refusal| status::of(&refusal)), watch))
    });
    Ok(stream::once(async move { Ok(first) }).chain(rest).boxed())
}

fn changed(keyset: NodeKeyset) -> pb::WatchKeysetResponse {
    pb::WatchKeysetResponse { event: Some(pb::watch_keyset_response::Event::Keyset(keyset.into())) }
}

fn keep_alive(generation: u64) -> pb::WatchKeysetResponse {
    let event = pb::watch_keyset_response::Event::KeepAlive(pb::KeepAlive { generation });
    pb::WatchKeysetResponse { event: Some(event) }
}

impl Watch {
    async fn next(&mut self) -> Result<pb::WatchKeysetResponse, Refusal> {
        loop {
            tokio::time::sleep(LOOK).await;
            let world = self.standing.check().await?;
            let newest = known(&world, self.standing.caller())?.cluster.generation;
            drop(world);
            if newest != self.generation {
                let keyset = self.standing.again(Instant::now() + DEADLINE).await?;
                (self.generation, self.told) = (keyset.cluster.generation, Instant::now());
                return Ok(changed(keyset));
            }
            if self.told.elapsed() >= KEEP_ALIVE {
                self.told = Instant::now();
                return Ok(keep_alive(newest));
            }
        }
    }
}
