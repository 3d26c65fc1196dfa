//! Making one path: a new path key, its shares, and each share with its member.

use std::{sync::Arc, time::Duration};

use futures_util::future::try_join_all;
use keyward_sdk::{
    secret::{Secret, SecretString},
    shamir::{self, Share, code},
    wrapper::{Fault, KeyWrapper, WrapError, Wrapped},
};
use tokio::time::timeout;

use super::{
    Connect, Holder, InstallationId, MemberRecord, Name, NewMember, NewPath, PathKey, PathRecord, PlanError, RootLabel,
    SealError, Who,
    record::{Labels, split_tag, wrap_root},
};
use crate::keyring::RootKey;

/// A share for a person: to be shown once and kept nowhere.
#[derive(Debug)]
pub struct PersonShare {
    /// The path.
    pub path: Name,
    /// The member.
    pub member: Name,
    /// Whose.
    pub label: String,
    /// Which share.
    pub index: u8,
    /// How many are needed.
    pub k: u8,
    /// How many there are.
    pub n: u8,
    /// What the person writes down.
    pub text: SecretString,
}

/// For which installation and root a path is made.
pub(super) struct For<'a> {
    pub(super) installation: InstallationId,
    pub(super) epoch: u32,
    pub(super) label: &'a RootLabel,
    pub(super) root: &'a RootKey,
    pub(super) connect: &'a dyn Connect,
    pub(super) member_timeout: Duration,
}

/// A path with what the record must not hold.
pub(super) struct MadePath {
    pub(super) record: PathRecord,
    pub(super) key: PathKey,
    pub(super) shares: Vec<PersonShare>,
}

pub(super) async fn make_path(of: &For<'_>, plan: &NewPath) -> Result<MadePath, SealError> {
    plan.check()?;
    let n = u8::try_from(plan.members.len()).unwrap_or(u8::MAX); // checked to be few
    let key = PathKey::random();
    let split = shamir::split(&key.key().to_secret(), plan.k, n)?;
    let made = try_join_all(plan.members.iter().zip(&split).map(|(member, share)| async move {
        let labels = Labels {
            installation: of.installation,
            path: &plan.name,
            epoch: of.epoch,
            member: &member.name,
            index: share.index(),
            k: plan.k,
            n,
        };
        give(of, member, share, &labels).await
    }))
    .await?;
    let (members, shares): (Vec<MemberRecord>, Vec<Option<PersonShare>>) = made.into_iter().unzip();
    refuse_one_key_twice(&members)?;
    let mut record = PathRecord { name: plan.name.clone(), epoch: of.epoch, k: plan.k, members, root: Vec::new() };
    record.root = wrap_root(of.installation, &record, &key, of.label, of.root)?;
    Ok(MadePath { record, key, shares: shares.into_iter().flatten().collect() })
}

/// Gives a share to its member: wrapped and proven to come back, or as text for a person.
async fn give(
    of: &For<'_>,
    member: &NewMember,
    share: &Share,
    labels: &Labels<'_>,
) -> Result<(MemberRecord, Option<PersonShare>), SealError> {
    let (holder, text) = match &member.who {
        Who::Person { label } => {
            let split = split_tag(labels.installation, labels.path, labels.epoch);
            let text = code::encode(share, &code::Label { split, k: labels.k, n: labels.n });
            (Holder::Person { label: label.clone() }, Some((label, text)))
        }
        Who::Wrapper { kind, settings } => {
            let failed = |error| SealError::Member { path: labels.path.clone(), member: member.name.clone(), error };
            let late = || failed(no_answer(&member.name, of.member_timeout));
            let connecting = timeout(of.member_timeout, of.connect.connect(&member.name, kind, settings)).await;
            let wrapper: Arc<dyn KeyWrapper> = connecting.map_err(|_| late())?.map_err(failed)?;
            let aad = labels.aad();
            let wrapping = timeout(of.member_timeout, wrapper.wrap(share.value(), &aad)).await;
            let wrapped: Wrapped = wrapping.map_err(|_| late())?.map_err(failed)?;
            // A backend that says yes and keeps nothing, or something else, is found now and not on the day of need.
            let back = timeout(of.member_timeout, wrapper.unwrap(&wrapped, &aad)).await;
            let back: Secret = back.map_err(|_| late())?.map_err(failed)?;
            if !back.same_as(share.value()) {
                return Err(SealError::NotGivenBack { path: labels.path.clone(), member: member.name.clone() });
            }
            (Holder::Wrapper { kind: kind.clone(), settings: settings.clone(), share: wrapped }, None)
        }
    };
    let check = labels.check(share.value());
    let shown = text.map(|(label, text)| PersonShare {
        path: labels.path.clone(),
        member: member.name.clone(),
        label: label.clone(),
        index: labels.index,
        k: labels.k,
        n: labels.n,
        text,
    });
    Ok((MemberRecord { name: member.name.clone(), index: labels.index, check, holder }, shown))
}

/// Two members under one key would be one member that counts twice, e.g. a key file and a link to it.
fn refuse_one_key_twice(members: &[MemberRecord]) -> Result<(), PlanError> {
    for (at, member) in members.iter().enumerate() {
        let Holder::Wrapper { share, .. } = &member.holder else { continue };
        let twin = members.iter().skip(at + 1).find(|other| match &other.holder {
            Holder::Person { .. } => false,
            Holder::Wrapper { share: theirs, .. } => (theirs.kind(), theirs.key()) == (share.kind(), share.key()),
        });
        if let Some(twin) = twin {
            return Err(PlanError::SameKey(member.name.clone(), twin.name.clone()));
        }
    }
    Ok(())
}

pub(super) fn no_answer(member: &Name, within: Duration) -> WrapError {
    WrapError::new(Fault::Timeout, "seal", member.as_str(), format!("within {} ms", within.as_millis()))
}
