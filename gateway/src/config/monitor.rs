//! The keys below `gateway.monitor`.

use std::collections::BTreeMap;
use std::time::Duration;

use runbus::monitor::{Price, Prices};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How monitors are made and served.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Least time between two revisions, in milliseconds: changes meanwhile come together. 10 to 60000.
    #[schemars(range(min = 10, max = 60_000))]
    pub interval_ms: u64,
    /// Streams that are watched at the same time; all of them together are one more. 1 to 100000.
    #[schemars(range(min = 1, max = 100_000))]
    pub max_streams: usize,
    /// Largest document, in bytes: a larger one leaves out messages, then old executions, and says so. 65536 to 524288.
    #[schemars(range(min = 65_536, max = 524_288))]
    pub max_bytes: usize,
    /// Stored events that a monitor looks back at when it begins; of those that can change it. 0 to 1000000.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub history_events: usize,
    /// The same, in bytes of their lines. 65536 to 1073741824.
    #[schemars(range(min = 65_536, max = 1_073_741_824))]
    pub history_bytes: usize,
    /// The prices of models, by name or its beginning: `{ prompt_per_million, completion_per_million, cached_per_million? }`.
    /// Costs are shown only for models that are here, and where events say them.
    pub prices: BTreeMap<String, Price>,
    /// The currency of the prices, and of costs in events.
    pub currency: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            interval_ms: 100,
            max_streams: 1000,
            max_bytes: 256 * 1024,
            history_events: 20_000,
            history_bytes: 32 * 1024 * 1024,
            prices: BTreeMap::new(),
            currency: "USD".into(),
        }
    }
}

impl Config {
    /// See [`Config::interval_ms`].
    #[must_use]
    pub const fn interval(&self) -> Duration {
        Duration::from_millis(self.interval_ms)
    }

    /// The prices.
    #[must_use]
    pub fn price_list(&self) -> Prices {
        Prices { models: self.prices.clone(), currency: self.currency.clone() }
    }
}
