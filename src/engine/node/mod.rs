//! What nodes of clusters ask for. A node is known by its certificate, and its certificate alone says which cluster it is
//! of; what is stored of the node says whether that counts still.

mod give_back;
mod join;
mod keyset;
mod known;
mod remote;
mod renew;
mod report;

pub use self::{
    give_back::{GiveBackKeyset, GivenVersion},
    join::{Certificate, Join, Joined},
    keyset::{GetKeyset, NodeKeyset},
    known::{Known, KnownNodes, known},
    remote::{RemoteCiphertext, RemoteDecrypt, RemoteEncrypt, RemotePlaintext},
    renew::{RenewCertificate, Renewal, Renewed},
    report::{ReportKeyset, Reported, SeenLog},
};
