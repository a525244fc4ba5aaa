//! Several models behind one port, by the name of their provider: `PROVIDER/MODEL`.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::StreamExt;
use runbus::event::family::model::Usage as Counts;
use runbus::monitor::Prices;

use super::{Delta, Fault, Model, Provider, Request, Retry, Turn, TurnStream};

/// One provider.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its model.
    pub model: Arc<dyn Model>,
    /// The prices of its models.
    pub prices: Prices,
    /// How often a call is tried.
    pub retry: Retry,
}

impl Entry {
    /// One without prices, tried as often as others.
    pub fn new(model: impl Model + 'static) -> Self {
        Self { model: Arc::new(model), prices: Prices::default(), retry: Retry::default() }
    }
}

/// Providers by name.
#[derive(Debug, Clone)]
pub struct Providers {
    entries: BTreeMap<String, Entry>,
    /// The one that requests are for that name none.
    default: String,
    standard: Entry,
}

impl Providers {
    /// `standard` answers requests that name no provider; `default` is its name.
    #[must_use]
    pub fn new(default: impl Into<String>, standard: Entry) -> Self {
        Self { entries: BTreeMap::new(), default: default.into(), standard }
    }

    /// The same with another provider.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, entry: Entry) -> Self {
        self.entries.insert(name.into(), entry);
        self
    }

    /// The names of all of them, that of the default one first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let others = self.entries.keys().map(String::as_str).filter(|name| *name != self.default);
        std::iter::once(self.default.as_str()).chain(others)
    }

    /// A provider by name.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name).or_else(|| (name == self.default).then_some(&self.standard))
    }

    /// The addressee of a request: the provider's name, the provider, and the model's name there. The text before the first `/` is a
    /// provider's name only if there is one of that name: many models have a `/` in theirs.
    fn resolve<'a>(&'a self, model: Option<&'a str>) -> (&'a str, &'a Entry, Option<&'a str>) {
        if let Some((name, rest)) = model.and_then(|model| model.split_once('/'))
            && !rest.is_empty()
            && let Some(entry) = self.entry(name)
        {
            return (name, entry, Some(rest));
        }
        (&self.default, &self.standard, model)
    }
}

#[async_trait]
impl Model for Providers {
    fn provider(&self) -> Provider {
        self.standard.model.provider()
    }

    fn provider_of(&self, request: &Request) -> Provider {
        self.resolve(request.model.as_deref()).1.model.provider_of(request)
    }

    fn retry(&self, model: Option<&str>) -> Retry {
        self.resolve(model).1.retry
    }

    async fn stream(&self, mut request: Request) -> Result<TurnStream, Fault> {
        let asked = request.model.take();
        let (name, entry, model) = self.resolve(asked.as_deref());
        request.model = model.map(str::to_owned);
        let (name, prices, model) = (name.to_owned(), entry.prices.clone(), request.model.clone());
        let deltas = entry.model.stream(request).await?;
        let priced = deltas.map(move |delta| match delta {
            Ok(Delta::Completed(mut turn)) => {
                turn.provider.get_or_insert_with(|| name.clone());
                price(&mut turn, model.as_deref(), &prices);
                Ok(Delta::Completed(turn))
            }
            other => other,
        });
        Ok(priced.boxed())
    }
}

/// Adds what the turn cost, unless the provider says it: by the model that was asked for, else by the one that answered.
fn price(turn: &mut Turn, asked: Option<&str>, prices: &Prices) {
    let answered = turn.model.clone();
    let Some(usage) = turn.usage.as_mut().filter(|usage| usage.cost.is_none()) else { return };
    let counts = Counts {
        prompt_tokens: usage.prompt_tokens,
        completion_tokens: usage.completion_tokens,
        total_tokens: usage.total_tokens,
        cached_tokens: usage.cached_tokens,
        ..Counts::default()
    };
    usage.cost =
        [asked, answered.as_deref()].into_iter().flatten().find_map(|name| prices.price(name, &counts));
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use runbus::monitor::Price;

    use super::*;
    use crate::model::{Message, Scripted};

    fn scripted() -> Entry {
        Entry::new(Scripted::default().with_pace(Duration::ZERO))
    }

    async fn turn(providers: &Providers, model: Option<&str>) -> Turn {
        let request = Request {
            model: model.map(str::to_owned),
            messages: vec![Message::user("hi")],
            ..Request::default()
        };
        let mut deltas = providers.stream(request).await.unwrap();
        while let Some(delta) = deltas.next().await {
            if let Delta::Completed(turn) = delta.unwrap() {
                return *turn;
            }
        }
        panic!("no end")
    }

    #[tokio::test]
    async fn a_name_before_the_slash_is_a_provider_only_if_there_is_one() {
        let providers = Providers::new("first", scripted()).with("second", scripted());
        for (asked, name) in [
            (None, "first"),
            (Some("m"), "first"),
            (Some("org/m"), "first"),
            (Some("first/org/m"), "first"),
            (Some("second/org/m"), "second"),
            (Some("second/"), "first"),
        ] {
            assert_eq!(turn(&providers, asked).await.provider.as_deref(), Some(name), "{asked:?}");
        }
        assert_eq!(providers.resolve(Some("second/org/m")).2, Some("org/m"));
        assert_eq!(providers.names().collect::<Vec<_>>(), ["first", "second"]);
    }

    #[tokio::test]
    async fn tokens_cost_what_the_configuration_says() {
        let price = Price { prompt_per_million: 1e6, completion_per_million: 2e6, cached_per_million: None };
        let prices = Prices { models: [("m".to_owned(), price)].into(), currency: "USD".into() };
        let providers = Providers::new("p", Entry { prices, ..scripted() });
        let priced = turn(&providers, Some("m")).await.usage.unwrap();
        #[expect(clippy::cast_precision_loss, reason = "the counts are small")]
        let wanted = priced.prompt_tokens as f64 + 2.0 * priced.completion_tokens as f64;
        assert!((priced.cost.unwrap() - wanted).abs() < 1e-6);
        assert_eq!(turn(&providers, Some("other")).await.usage.unwrap().cost, None);
    }
}
