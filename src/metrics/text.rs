//! All metrics as `OpenMetrics` text, by the Prometheus project's own encoder.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text as encoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::catalogue::{ALL, Named};
use super::family::Family;
use super::kind::{Counter, Gauge, Histogram, Seconds};
use super::label::Label;
use super::process;

/// The media type of [`text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A metric that can be encoded.
pub(super) trait Metric: Sync {
    fn kind(&self) -> MetricType;

    /// Its label and the label's values.
    fn label(&self) -> Option<(&'static str, &'static [&'static str])> {
        None
    }

    fn encode(&self, encoder: MetricEncoder<'_>) -> fmt::Result;
}

impl Metric for Counter {
    fn kind(&self) -> MetricType {
        MetricType::Counter
    }

    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        encoder.encode_counter::<NoLabelSet, u64, u64>(&self.get(), None)
    }
}

impl Metric for Seconds {
    fn kind(&self) -> MetricType {
        MetricType::Counter
    }

    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        encoder.encode_counter::<NoLabelSet, f64, u64>(&self.get(), None)
    }
}

impl Metric for Gauge {
    fn kind(&self) -> MetricType {
        MetricType::Gauge
    }

    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        encoder.encode_gauge(&self.get())
    }
}

impl Metric for Histogram {
    fn kind(&self) -> MetricType {
        MetricType::Histogram
    }

    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let (sum, buckets) = self.read();
        let count = buckets.iter().map(|(_, count)| count).sum();
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }
}

impl<L: Label, M: Metric> Metric for Family<L, M> {
    fn kind(&self) -> MetricType {
        self.each().next().map_or(MetricType::Unknown, |(_, metric)| metric.kind())
    }

    fn label(&self) -> Option<(&'static str, &'static [&'static str])> {
        Some((L::NAME, L::VALUES))
    }

    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for (value, metric) in self.each() {
            metric.encode(encoder.encode_family(&[(L::NAME, value)])?)?;
        }
        Ok(())
    }
}

/// The encoder adds the suffix of counters and units to names by itself.
fn parts(name: &'static str) -> (&'static str, Option<Unit>) {
    let stem = name.strip_suffix("_total").unwrap_or(name);
    let units = [("_seconds", Unit::Seconds), ("_bytes", Unit::Bytes)];
    let found = units.into_iter().find_map(|(suffix, unit)| Some((stem.strip_suffix(suffix)?, Some(unit))));
    found.unwrap_or((stem, None))
}

#[derive(Debug)]
struct Catalogue;

impl Collector for Catalogue {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for Named { name, help, metric } in all() {
            let (stem, unit) = parts(name);
            metric.encode(encoder.encode_descriptor(stem, help.trim(), unit.as_ref(), metric.kind())?)?;
        }
        Ok(())
    }
}

fn all() -> impl Iterator<Item = &'static Named> {
    ALL.iter().flat_map(|group| group.metrics)
}

/// All metrics of this process.
#[must_use]
pub fn text() -> String {
    process::refresh();
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Catalogue));
    let mut text = String::with_capacity(64 * 1024);
    // Writing into a string does not fail.
    let _ = encoder::encode(&mut text, &registry);
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{gateway, worker};
    use crate::error_code::ErrorCode;
    use super::*;

    #[test]
    fn every_metric_is_in_the_text_under_its_name() {
        gateway::REFUSALS.of(ErrorCode::SessionBusy).add(3);
        worker::TOOL_LATENCY.observe(std::time::Duration::from_millis(3));
        let text = text();
        for Named { name, help, metric } in all() {
            let stem = name.strip_suffix("_total").unwrap_or(name);
            let kind = metric.kind();
            let kind = kind.as_str();
            assert!(text.contains(&format!("# TYPE {stem} {kind}\n")), "{name}\n{text}");
            assert!(text.contains(&format!("# HELP {stem} ")), "{name}: {help}");
            let counter = matches!(metric.kind(), MetricType::Counter);
            assert_eq!(counter, name.ends_with("_total"), "{name}");
            let sample = if kind == "histogram" { format!("{name}_bucket") } else { (*name).to_owned() };
            assert!(text.lines().any(|line| line.starts_with(&sample)), "{name}\n{text}");
        }
        assert!(text.contains("runbus_gateway_refusals_total{code=\"conflict\"} 3\n"), "{text}");
        assert!(text.contains("runbus_worker_tool_latency_seconds_bucket{le=\"0.005\"} 1\n"), "{text}");
        assert!(text.contains("runbus_worker_tool_latency_seconds_bucket{le=\"+Inf\"} 1\n"), "{text}");
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn names_are_unique_and_series_are_few() {
        let names: BTreeSet<&str> = all().map(|named| named.name).collect();
        assert_eq!(names.len(), all().count());
        let samples = text().lines().filter(|line| !line.starts_with('#')).count();
        assert!(samples < 1000, "{samples}");
        let plain = |c: char| c.is_ascii_lowercase() || c == '_';
        assert!(names.iter().all(|name| name.chars().all(plain)));
    }
}
