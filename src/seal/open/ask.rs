//! Asking one member for its share.

use std::time::Duration;

use keyward_sdk::{secret::Secret, wrapper::WrapError};
use tokio::time::timeout;

use super::{Heard, How, MemberReport};
use crate::seal::{Holder, MemberRecord, PathRecord, SealRecord, split::no_answer};

/// Where a member stands in the record.
#[derive(Clone, Copy, Debug)]
pub(in crate::seal) struct Place<'a> {
    /// The path's position.
    pub(in crate::seal) path: usize,
    pub(in crate::seal) of: &'a PathRecord,
    pub(in crate::seal) member: &'a MemberRecord,
}

impl Place<'_> {
    pub(in crate::seal) fn report(&self, heard: Heard) -> MemberReport {
        MemberReport { path: self.of.name.clone(), member: self.member.name.clone(), heard, latency: None }
    }
}

/// All members that are keys.
pub(in crate::seal) fn wrappers(record: &SealRecord) -> impl Iterator<Item = Place<'_>> {
    let members = record
        .paths()
        .iter()
        .enumerate()
        .flat_map(|(path, of)| of.members.iter().map(move |member| Place { path, of, member }));
    members.filter(|place| matches!(place.member.holder, Holder::Wrapper { .. }))
}

/// What a member said.
pub(in crate::seal) struct Answer<'a> {
    pub(in crate::seal) place: Place<'a>,
    pub(in crate::seal) share: Result<Secret, WrapError>,
    pub(in crate::seal) latency: Duration,
}

pub(in crate::seal) async fn ask<'a>(record: &'a SealRecord, place: Place<'a>, how: &How<'_>) -> Answer<'a> {
    let start = how.clock.monotonic();
    let asked = timeout(how.member_timeout, unwrap(record, place, how)).await;
    let share = asked.unwrap_or_else(|_| Err(no_answer(&place.member.name, how.member_timeout)));
    Answer { place, share, latency: how.clock.monotonic().since(start) }
}

async fn unwrap(record: &SealRecord, place: Place<'_>, how: &How<'_>) -> Result<Secret, WrapError> {
    let Holder::Wrapper { kind, settings, share } = &place.member.holder else {
        return Err(no_answer(&place.member.name, Duration::ZERO)); // `wrappers` names no people
    };
    let wrapper = how.connect.connect(&place.member.name, kind, settings).await?;
    wrapper.unwrap(share, &place.of.labels(record.installation(), place.member).aad()).await
}
