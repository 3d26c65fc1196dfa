use std::{fs, os::unix::fs::PermissionsExt as _};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{client::danger::ServerCertVerifier as _, server::ResolvesServerCert};
use rustls_pki_types::{ServerName, UnixTime};

use super::*;

struct Ca {
    der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

fn ca() -> Ca {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let der = params.self_signed(&key).unwrap().der().clone();
    Ca { der, issuer: Issuer::new(params, key) }
}

fn leaf(ca: &Ca, name: &str) -> (CertificateDer<'static>, String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &ca.issuer).unwrap();
    (certificate.der().clone(), certificate.pem(), key.serialize_pem())
}

fn write(folder: &std::path::Path, certificate: &str, key: &str) -> CertificateFiles {
    let files = CertificateFiles { certificate: folder.join("tls.crt"), key: folder.join("tls.key") };
    fs::write(&files.certificate, certificate).unwrap();
    fs::write(&files.key, key).unwrap();
    fs::set_permissions(&files.key, fs::Permissions::from_mode(0o600)).unwrap();
    files
}

#[test]
fn a_new_certificate_is_taken_and_a_bad_one_leaves_the_old_in_use() {
    let (ca, folder) = (ca(), tempfile::tempdir().unwrap());
    let (first, certificate, key) = leaf(&ca, "one.example");
    let files = write(folder.path(), &certificate, &key);
    let reloading = Reloading::load(files.clone()).unwrap();
    assert!(!reloading.check().unwrap());
    fs::write(&files.certificate, "no certificate").unwrap();
    assert!(reloading.check().is_err());
    assert_eq!(reloading.current().cert[0], first);
    let (second, certificate, key) = leaf(&ca, "two.example");
    write(folder.path(), &certificate, &key);
    assert!(reloading.check().unwrap());
    assert_eq!(reloading.current().cert[0], second);
}

#[test]
fn a_key_that_others_can_read_or_that_does_not_fit_is_refused() {
    let (ca, folder) = (ca(), tempfile::tempdir().unwrap());
    let (_, certificate, key) = leaf(&ca, "one.example");
    let (_, _, other) = leaf(&ca, "one.example");
    let files = write(folder.path(), &certificate, &other);
    assert!(matches!(Reloading::load(files), Err(TlsError::Key(..))));
    let files = write(folder.path(), &certificate, &key);
    fs::set_permissions(&files.key, fs::Permissions::from_mode(0o644)).unwrap();
    let error = Reloading::load(files).unwrap_err();
    assert!(error.to_string().contains("chmod 0600"), "{error}");
}

#[test]
fn only_a_server_of_the_pinned_ca_is_accepted() {
    let (ours, theirs) = (ca(), ca());
    let pin = PinnedCa::new(spki_sha256(&ours.der).unwrap());
    let name = ServerName::try_from("broker.example").unwrap();
    let (good, ..) = leaf(&ours, "broker.example");
    let (foreign, ..) = leaf(&theirs, "broker.example");
    let (misnamed, ..) = leaf(&ours, "other.example");
    let now = UnixTime::now();
    assert!(pin.verify_server_cert(&good, std::slice::from_ref(&ours.der), &name, &[], now).is_ok());
    assert!(pin.verify_server_cert(&good, &[], &name, &[], now).is_err(), "the CA was not sent");
    assert!(pin.verify_server_cert(&foreign, std::slice::from_ref(&theirs.der), &name, &[], now).is_err());
    assert!(pin.verify_server_cert(&foreign, &[theirs.der.clone(), ours.der.clone()], &name, &[], now).is_err());
    assert!(pin.verify_server_cert(&misnamed, std::slice::from_ref(&ours.der), &name, &[], now).is_err());
}

#[test]
fn server_and_client_configs_are_made_with_our_provider() {
    let (ca, folder) = (ca(), tempfile::tempdir().unwrap());
    let (_, certificate, key) = leaf(&ca, "one.example");
    let identity: Arc<dyn ResolvesServerCert> = Reloading::load(write(folder.path(), &certificate, &key)).unwrap();
    assert_eq!(server_config(identity, AnyClientCertificate::new()).unwrap().alpn_protocols, [b"h2"]);
    assert!(client_config(&[ca.der], None).is_ok());
    assert!(client_config(&[], None).is_err());
}
