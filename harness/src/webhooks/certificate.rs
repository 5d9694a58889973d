//! The certificate of one server, of an authority that signs nothing else. No I/O.

use std::net::IpAddr;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};

/// What a server shows, and what its clients check it by.
pub(crate) struct Certificate {
    /// The authority, as PEM.
    pub(crate) authority: String,
    /// The server's certificate, as DER.
    pub(super) chain: Vec<u8>,
    /// Its key, as PKCS #8 in DER.
    pub(super) key: Vec<u8>,
}

impl Certificate {
    /// One for a server at that address.
    pub(crate) fn of(address: IpAddr) -> Result<Self, rcgen::Error> {
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.distinguished_name.push(DnType::CommonName, "webhooks of a test");
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign];
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;

        let mut server = CertificateParams::new(Vec::new())?;
        server.distinguished_name.push(DnType::CommonName, address.to_string());
        server.subject_alt_names = vec![SanType::IpAddress(address)];
        server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let chain = server.signed_by(&key, &authority)?.der().to_vec();
        Ok(Self { authority: authority.pem(), chain, key: key.serialize_der() })
    }
}
