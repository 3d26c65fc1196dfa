//! `keyward audit tail`.

use keyward_api::v1::{TailAuditRequest, audit_service_client::AuditServiceClient};
use keyward_sdk::time::{Span, SystemClock, Timestamp};

use super::shown;
use crate::cli::{CliError, connect::Target, output::Output};

/// How many of the newest are shown when nothing else is said.
const LAST: u32 = 20;

/// Which records.
#[derive(Debug, clap::Args)]
pub(crate) struct TailArgs {
    /// Go on with new records until interrupted.
    #[arg(short, long)]
    follow: bool,
    /// Only this RPC, e.g. `GetSecret`.
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    /// Only this principal: its subject, or ISSUER/SUBJECT.
    #[arg(long, value_name = "PRINCIPAL")]
    principal: Option<String>,
    /// Only this resource, e.g. the path of a secret.
    #[arg(long, value_name = "NAME")]
    resource: Option<String>,
    /// Only the request with this id.
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Only this tenant's records; for operators of the tenant `main`.
    #[arg(long, value_name = "TENANT")]
    of_tenant: Option<String>,
    /// Only records as old as this at most, e.g. `1h`, or made since this time, e.g. `2026-01-31T12:00:00Z`.
    #[arg(long, value_name = "AGE|TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// Only records older than this, or made before this time.
    #[arg(long, value_name = "AGE|TIME", value_parser = moment)]
    until: Option<Timestamp>,
    /// Of what is there, only so many of the newest; 0 for all. 20 when neither `--since` nor `--until` is given.
    #[arg(short = 'n', long, value_name = "COUNT")]
    last: Option<u32>,
}

/// An age, or a time.
fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(age) = humantime::parse_duration(text) {
        let millis = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        return Ok(SystemClock::shared().now().saturating_sub(Span::from_millis(millis)));
    }
    text.parse().map_err(|_| "give an age such as `1h`, or a time such as 2026-01-31T12:00:00Z".to_owned())
}

fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    let (seconds, rest) = (at.millis() / 1_000, at.millis() % 1_000);
    prost_types::Timestamp {
        seconds: i64::try_from(seconds).unwrap_or(i64::MAX),
        nanos: i32::try_from(rest).unwrap_or(0) * 1_000_000,
    }
}

impl TailArgs {
    /// Shows records until the broker has no more, or ends the stream.
    pub(super) async fn run(self, target: &Target, output: &Output) -> Result<(), CliError> {
        let whole = self.since.is_some() || self.until.is_some();
        let request = TailAuditRequest {
            follow: self.follow,
            tenant: self.of_tenant.unwrap_or_default(),
            method: self.method.unwrap_or_default(),
            principal: self.principal.unwrap_or_default(),
            resource: self.resource.unwrap_or_default(),
            request_id: self.request_id.unwrap_or_default(),
            since: self.since.map(timestamp),
            until: self.until.map(timestamp),
            last: self.last.unwrap_or(if whole { 0 } else { LAST }),
        };
        let mut client = AuditServiceClient::new(target.connect().await?);
        let mut records = client.tail_audit(request).await?.into_inner();
        while let Some(answer) = records.message().await? {
            let record = answer.record.unwrap_or_default();
            if output.is_json() {
                output.json_line(&shown::object(&record));
            } else {
                output.line(&shown::line(&record));
            }
            if output.is_lost() {
                break;
            }
        }
        Ok(())
    }
}
