//! HTTP to the guestbook from outside of the cluster.

use std::net::SocketAddr;

use http::Request;
use kube::{Client, Config};
use serde::{Deserialize, de::DeserializeOwned};

/// The guestbook's Service.
#[derive(Clone)]
pub struct Guestbook {
    client: Client,
    base: String,
}

/// What the guestbook says of itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Version {
    /// The image's version.
    pub version: String,
    /// The pod that answered.
    pub instance: String,
}

impl Guestbook {
    /// At an address of this machine that leads there ([`reach`](kind_harness::TestContext::reach)).
    ///
    /// # Errors
    /// When there can be no client for it.
    pub fn at(address: SocketAddr) -> anyhow::Result<Self> {
        let client = Client::try_from(Config::new(format!("http://{address}").parse()?))?;
        Ok(Self { client, base: String::new() })
    }

    /// Through the API server, as `kubectl get --raw /api/v1/namespaces/N/services/S/proxy/…` goes: it hands each request to
    /// one of the ready pods behind the Service.
    pub fn by_api(client: Client, namespace: &str) -> Self {
        Self { client, base: format!("/api/v1/namespaces/{namespace}/services/guestbook:http/proxy") }
    }

    /// Which version answers, and which pod of it.
    ///
    /// # Errors
    /// When the API or the service answers with an error.
    pub async fn version(&self) -> kube::Result<Version> {
        self.send(Request::get(self.uri("version")), "").await
    }

    /// All entries, oldest first.
    ///
    /// # Errors
    /// When the API or the service answers with an error.
    pub async fn entries(&self) -> kube::Result<Vec<String>> {
        self.send(Request::get(self.uri("entries")), "").await
    }

    /// Adds an entry and returns how many there are then.
    ///
    /// # Errors
    /// When the API or the service answers with an error: the entry may be there nevertheless.
    pub async fn add(&self, entry: &str) -> kube::Result<u64> {
        self.send(Request::post(self.uri("entries")).header("content-type", "text/plain"), entry).await
    }

    fn uri(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }

    async fn send<T: DeserializeOwned>(&self, request: http::request::Builder, body: &str) -> kube::Result<T> {
        let request = request.body(body.as_bytes().to_vec()).map_err(kube::Error::HttpError)?;
        self.client.request(request).await
    }
}
