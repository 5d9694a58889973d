//! The cluster's certificate authorities and the administrator's certificate, made here before anything starts.
//!
//! kubeadm takes authorities that it finds in place and signs everything else with them. All control planes have the
//! same ones from the start, so none has to wait for another's.

use kind_engine::NodeFile;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use super::Origin;
use crate::render::Credentials;

/// Where kubeadm looks for them.
const FOLDER: &str = "/etc/kubernetes/pki";
/// Whose clients a clone's API server takes: those of its source's authority, which its nodes are, and its own.
pub(super) const CLIENTS_PATH: &str = "/etc/kubernetes/pki/clients.crt";
/// kubeadm's own choice for authorities.
const AUTHORITY_DAYS: i64 = 3650;
/// kubeadm's own choice for everything else.
const LEAF_DAYS: i64 = 365;

/// Everything that the cluster's trust rests on. Its `Debug` shows nothing.
pub(super) struct Authority {
    /// The administrator, for the kubeconfig.
    pub(super) administrator: Credentials,
    /// The cluster's authority, which nodes and the load balancer check the API by.
    pub(super) certificate: String,
    /// The files of every control plane.
    pub(super) files: Vec<NodeFile>,
    /// When the first certificate expires, in seconds since 1970.
    pub(super) expires: i64,
}

impl Authority {
    /// `now` is what the clock of the engine's machine shows, as RFC 3339: nodes judge certificates by it.
    pub(super) fn generate(now: &str) -> Result<Self, rcgen::Error> {
        let now = read(now);
        let cluster = issuer("kubernetes", now)?;
        let etcd = issuer("etcd-ca", now)?;
        let front_proxy = issuer("front-proxy-ca", now)?;
        let service_accounts = KeyPair::generate()?;

        let mut files = Vec::new();
        for (name, issuer) in [("ca", &cluster), ("etcd/ca", &etcd), ("front-proxy-ca", &front_proxy)] {
            files.push(NodeFile::public(format!("{FOLDER}/{name}.crt"), issuer.pem()));
            files.push(NodeFile::secret(format!("{FOLDER}/{name}.key"), issuer.key().serialize_pem()));
        }
        files.push(NodeFile::public(format!("{FOLDER}/sa.pub"), service_accounts.public_key_pem()));
        files.push(NodeFile::secret(format!("{FOLDER}/sa.key"), service_accounts.serialize_pem()));

        Ok(Self {
            administrator: administrator(&cluster, cluster.pem(), now)?,
            certificate: cluster.pem(),
            files,
            expires: (now + Duration::days(LEAF_DAYS)).unix_timestamp(),
        })
    }

    /// That of a clone. Its nodes have their source's certificates; its administrator's is of an authority of its own,
    /// which no other cluster knows.
    pub(super) fn of_clone(now: &str, origin: &Origin) -> Result<Self, rcgen::Error> {
        let now = read(now);
        let clients = issuer("clients", now)?;
        Ok(Self {
            administrator: administrator(&clients, origin.authority.clone(), now)?,
            files: vec![NodeFile::public(CLIENTS_PATH, format!("{}\n{}", origin.authority.trim_end(), clients.pem()))],
            certificate: origin.authority.clone(),
            expires: origin.expires,
        })
    }
}

fn read(now: &str) -> OffsetDateTime {
    OffsetDateTime::parse(now, &Rfc3339).unwrap_or_else(|_| OffsetDateTime::now_utc())
}

fn issuer(name: &str, now: OffsetDateTime) -> Result<CertifiedIssuer<'static, KeyPair>, rcgen::Error> {
    // Go's TLS takes an authority's name from its subject, kubeadm also writes it as an alternative name.
    let mut params = parameters(name, &[], AUTHORITY_DAYS, now)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages =
        vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment, KeyUsagePurpose::KeyCertSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}

/// A member of the group that kubeadm binds to `cluster-admin`.
fn administrator(
    issuer: &CertifiedIssuer<'static, KeyPair>,
    authority: String,
    now: OffsetDateTime,
) -> Result<Credentials, rcgen::Error> {
    let mut params = parameters("kubernetes-admin", &["kubeadm:cluster-admins"], LEAF_DAYS, now)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, issuer)?;
    Ok(Credentials { authority, certificate: certificate.pem(), key: key.serialize_pem() })
}

fn parameters(name: &str, groups: &[&str], days: i64, now: OffsetDateTime) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    let mut subject = DistinguishedName::new();
    for group in groups {
        subject.push(DnType::OrganizationName, *group);
    }
    subject.push(DnType::CommonName, name);
    params.distinguished_name = subject;
    // Clients have clocks of their own, and a machine that slept sets its clock. kubeadm's own certificates are valid from
    // when their authority is.
    params.not_before = now - Duration::days(1);
    params.not_after = now + Duration::days(days);
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_secret_files_and_nothing_is_missing() {
        let authority = Authority::generate("").unwrap();
        let mut found: Vec<(String, u32)> =
            authority.files.iter().map(|file| (file.path.replace(FOLDER, ""), file.mode)).collect();
        found.sort();
        let expected = [
            ("/ca.crt", 0o644),
            ("/ca.key", 0o600),
            ("/etcd/ca.crt", 0o644),
            ("/etcd/ca.key", 0o600),
            ("/front-proxy-ca.crt", 0o644),
            ("/front-proxy-ca.key", 0o600),
            ("/sa.key", 0o600),
            ("/sa.pub", 0o644),
        ];
        assert_eq!(found, expected.map(|(path, mode)| (path.to_owned(), mode)));
    }
}
