//! Tables as Markdown on stdout, and the same numbers as JSON.

use std::path::Path;

use anyhow::Context as _;
use serde_json::{Map, Value, json};

/// A column of numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    /// Digits behind the point.
    pub(crate) digits: usize,
}

/// Short for a column.
pub(crate) const fn column(name: &'static str, digits: usize) -> Column {
    Column { name, digits }
}

/// One measured thing.
#[derive(Debug)]
struct Row {
    name: String,
    /// One a column; `None` where it has no meaning.
    values: Vec<Option<f64>>,
}

/// A table with the goals that it is measured against.
#[derive(Debug)]
pub(crate) struct Table {
    title: String,
    columns: Vec<Column>,
    rows: Vec<Row>,
    goals: Vec<(String, bool)>,
    notes: Vec<String>,
}

impl Table {
    pub(crate) fn new(title: impl Into<String>, columns: &[Column]) -> Self {
        Self {
            title: title.into(),
            columns: columns.to_vec(),
            rows: Vec::new(),
            goals: Vec::new(),
            notes: Vec::new(),
        }
    }

    pub(crate) fn row(&mut self, name: impl Into<String>, values: &[Option<f64>]) {
        self.rows.push(Row { name: name.into(), values: values.to_vec() });
    }

    /// Adds a goal, and whether the run met it.
    pub(crate) fn goal(&mut self, text: impl Into<String>, met: bool) {
        self.goals.push((text.into(), met));
    }

    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    fn markdown(&self) -> String {
        let mut cells: Vec<Vec<String>> = vec![vec!["case".to_owned()]];
        cells[0].extend(self.columns.iter().map(|column| column.name.to_owned()));
        for row in &self.rows {
            let numbers = row.values.iter().zip(&self.columns);
            let texts =
                numbers.map(|(value, column)| value.map_or_else(|| "–".into(), |v| number(v, column.digits)));
            cells.push(std::iter::once(row.name.clone()).chain(texts).collect());
        }
        let widths: Vec<usize> = (0..=self.columns.len())
            .map(|n| {
                cells
                    .iter()
                    .filter_map(|row| row.get(n))
                    .map(|text| text.chars().count())
                    .max()
                    .unwrap_or(0)
                    .max(3)
            })
            .collect();
        let mut out = format!("### {}\n\n", self.title);
        for (n, row) in cells.iter().enumerate() {
            for (at, (text, &width)) in row.iter().zip(&widths).enumerate() {
                out += &if at == 0 { format!("| {text:<width$} ") } else { format!("| {text:>width$} ") };
            }
            out += "|\n";
            if n == 0 {
                for (at, &width) in widths.iter().enumerate() {
                    out += &if at == 0 {
                        format!("|{}", "-".repeat(width + 2))
                    } else {
                        format!("|{}:", "-".repeat(width + 1))
                    };
                }
                out += "|\n";
            }
        }
        out.push('\n');
        for (text, met) in &self.goals {
            let answer = if *met { "met" } else { "**not met**" };
            out += &format!("- {answer}: {text}\n");
        }
        for text in &self.notes {
            out += &format!("- {text}\n");
        }
        out
    }

    fn json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            let mut object = Map::new();
            object.insert("name".into(), json!(row.name));
            for (value, column) in row.values.iter().zip(&self.columns) {
                object.insert(column.name.into(), json!(value));
            }
            Value::Object(object)
        });
        let goals = self.goals.iter().map(|(text, met)| json!({ "goal": text, "met": met }));
        json!({
            "title": self.title,
            "rows": rows.collect::<Vec<_>>(),
            "goals": goals.collect::<Vec<_>>(),
            "notes": self.notes,
        })
    }
}

/// With a comma every three digits.
fn number(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let (whole, rest) =
        text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let mut out = String::new();
    for (n, digit) in whole.chars().enumerate() {
        if n > 0 && (whole.len() - n).is_multiple_of(3) && out != "-" {
            out.push(',');
        }
        out.push(digit);
    }
    rest.map_or_else(|| out.clone(), |rest| format!("{out}.{rest}"))
}

/// The printed output of one run.
#[derive(Debug)]
pub(crate) struct Report {
    machine: String,
    quick: bool,
    tables: Vec<Value>,
}

impl Report {
    pub(crate) fn start(machine: String, quick: bool) -> Self {
        say(&format!("{machine}{}\n", if quick { "; quick run: numbers mean little" } else { "" }));
        Self { machine, quick, tables: Vec::new() }
    }

    /// Prints a table.
    pub(crate) fn table(&mut self, table: &Table) {
        say(&table.markdown());
        self.tables.push(table.json());
    }

    /// Writes what was printed for programs.
    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let value = json!({ "machine": self.machine, "quick": self.quick, "tables": self.tables });
        std::fs::write(path, format!("{value:#}\n"))
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

/// The current step, for somebody who waits.
#[expect(clippy::print_stderr, reason = "a program whose output is its purpose")]
pub(crate) fn progress(text: &str) {
    eprintln!("bench: {text}");
}

#[expect(clippy::print_stdout, reason = "a program whose output is its purpose")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_markdown() {
        let mut table = Table::new("t", &[column("events/s", 0), column("us", 2)]);
        table.row("a", &[Some(1_234_567.4), None]);
        table.row("long name", &[Some(-999.0), Some(0.125)]);
        table.goal("fast", true);
        let expected = "### t\n\n| case      |  events/s |   us |\n|-----------|----------:|-----:|\n\
                        | a         | 1,234,567 |    – |\n| long name |      -999 | 0.12 |\n\n- met: fast\n";
        assert_eq!(table.markdown(), expected);
    }
}
