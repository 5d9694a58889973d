//! Entries in Redis: one list, appended to and read whole.

use std::time::Duration;

use anyhow::Context as _;
use redis::{
    AsyncCommands as _, Client, RedisResult,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

const ENTRIES: &str = "entries";

/// A connection to Redis that is made when first needed and made again when lost.
#[derive(Clone)]
pub(super) struct Store {
    connection: ConnectionManager,
}

impl Store {
    /// Prepares the connection without making it: Redis may come up after the service.
    pub(super) fn open(url: &str) -> anyhow::Result<Self> {
        let client = Client::open(url).with_context(|| format!("{url} is no Redis address"))?;
        // A busy disk may hold up an append for a second; a probe does not wait as long, and that is its answer.
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(Duration::from_secs(1)))
            .set_response_timeout(Some(Duration::from_secs(3)))
            .set_number_of_retries(1);
        let connection = ConnectionManager::new_lazy_with_config(client, config).context("prepare for Redis")?;
        Ok(Self { connection })
    }

    /// Whether Redis answers.
    pub(super) async fn ping(&self) -> RedisResult<()> {
        self.connection.clone().ping().await
    }

    /// Appends an entry and returns how many there are now.
    pub(super) async fn add(&self, entry: &str) -> RedisResult<u64> {
        self.connection.clone().rpush(ENTRIES, entry).await
    }

    /// All entries, oldest first.
    pub(super) async fn all(&self) -> RedisResult<Vec<String>> {
        self.connection.clone().lrange(ENTRIES, 0, -1).await
    }
}
