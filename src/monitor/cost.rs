//! The cost of tokens: in billionths, so that sums do not depend on their order.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::family::model::Usage;

/// Billionths of the currency.
pub(super) type Nano = u128;

/// The prices of a model's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// A million tokens read. 0 to 1000000.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub prompt_per_million: f64,
    /// A million tokens written. 0 to 1000000.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub completion_per_million: f64,
    /// A million of the read tokens that came from the provider's cache; absent: as any other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub cached_per_million: Option<f64>,
}

/// Prices by model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Prices {
    /// By the model's name, or its beginning: `gpt-4o-mini` is also the price of `gpt-4o-mini-2024-07-18`.
    pub models: BTreeMap<String, Price>,
    /// Of which currency.
    pub currency: String,
}

impl Prices {
    fn of(&self, model: &str) -> Option<&Price> {
        let fits = |name: &str| match model.strip_prefix(name) {
            Some(rest) => rest.is_empty() || rest.starts_with(['-', '@', ':']),
            None => false,
        };
        let found = self.models.iter().filter(|(name, _)| fits(name));
        found.max_by_key(|(name, _)| name.len()).map(|(_, price)| price)
    }

    /// The price of a model's tokens, in the currency; `None`: nobody knows.
    #[must_use]
    pub fn price(&self, model: &str, used: &Usage) -> Option<f64> {
        self.cost(model, used).map(amount)
    }

    /// The cost of a model's tokens; `None` when no price is known.
    pub(super) fn cost(&self, model: &str, used: &Usage) -> Option<Nano> {
        let price = self.of(model)?;
        let cached = used.cached_tokens.unwrap_or(0).min(used.prompt_tokens);
        let read = used.prompt_tokens - cached;
        Some(
            tokens(read, price.prompt_per_million)
                + tokens(cached, price.cached_per_million.unwrap_or(price.prompt_per_million))
                + tokens(used.completion_tokens, price.completion_per_million),
        )
    }
}

fn tokens(count: u64, per_million: f64) -> Nano {
    // A price for a million in millionths is that of a token in billionths, a thousand times.
    Nano::from(count) * nano(per_million) / 1_000_000
}

/// An amount in billionths; an invalid amount counts as zero.
pub(super) fn nano(amount: f64) -> Nano {
    let billionths = (amount * 1e9).round();
    if !billionths.is_finite() || billionths <= 0.0 {
        return 0;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded just before")]
    let whole = billionths.min(1e24) as Nano;
    whole
}

/// An amount of so many billionths.
pub(super) fn amount(nano: Nano) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "shown to nine decimals, for people")]
    let amount = nano as f64 / 1e9;
    amount
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_found_by_the_longest_beginning() {
        let price =
            |p| Price { prompt_per_million: p, completion_per_million: 1.0, cached_per_million: None };
        let models = [("gpt-4o".to_owned(), price(2.5)), ("gpt-4o-mini".to_owned(), price(0.15))];
        let prices = Prices { models: models.into(), currency: "USD".into() };
        let used = Usage { prompt_tokens: 1_000_000, ..Usage::default() };
        for (model, wanted) in [
            ("gpt-4o", Some(2_500_000_000)),
            ("gpt-4o-2024-08-06", Some(2_500_000_000)),
            ("gpt-4o-mini-2024-07-18", Some(150_000_000)),
            ("gpt-4omega", None),
            ("", None),
        ] {
            assert_eq!(prices.cost(model, &used), wanted, "{model}");
        }
        assert_eq!((nano(f64::NAN), nano(-1.0), nano(0.1 + 0.2)), (0, 0, 300_000_000));
    }
}
