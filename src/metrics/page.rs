//! The reference page `docs/metrics.md`, made of the catalogue.

use std::fmt::Write as _;

use super::catalogue::{ALL, Named};

const BEGINNING: &str = r#"# Metrics

Made of the code (`src/metrics/catalogue.rs`) by `make docs`; do not edit.

`GET /metrics` on a gateway answers with OpenMetrics text, which Prometheus reads. Where callers must say who they are
(`auth.mode = "required"`) it needs the scope `metrics`, which `*` does not hold. A worker, or a gateway whose metrics belong
on another port, has them at `telemetry.metrics_listen` (off unless set; `GET /metrics` and `/healthz`, of workers `/readyz` too, no credential: keep
it on loopback or a private network). One process has one set: `runbus dev` has the gateway's and the worker's.

Counters begin at zero with the process. Gauges say what is held now: they go back to zero when clients leave and sessions end.
All histograms have the same buckets, 0.5 ms to 2 min. Labels have the values below and no others; ids are never labels.
Example configuration: [ops/prometheus/alerts.yml](../ops/prometheus/alerts.yml).
"#;

/// The page.
#[must_use]
pub fn page() -> String {
    let mut page = BEGINNING.to_owned();
    for group in ALL {
        let _ = write!(
            page,
            "\n## {}\n\n| name | type | labels | meaning |\n|---|---|---|---|\n",
            heading(group.heading)
        );
        for Named { name, help, metric } in group.metrics {
            let labels = metric.label().map_or_else(String::new, |(label, values)| {
                let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
                format!("`{label}`: {}", values.join(", "))
            });
            let _ = writeln!(page, "| `{name}` | {} | {labels} | {} |", metric.kind().as_str(), help.trim());
        }
    }
    page
}

fn heading(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_page_is_what_the_code_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");
        if std::env::vars().any(|(key, _)| key == "RUNBUS_BLESS") {
            std::fs::write(path, page()).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(committed == page(), "docs/metrics.md differs from the code: run `make docs`");
    }
}
