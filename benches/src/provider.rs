//! The reader of providers' streams: bytes of server-sent events to deltas and a turn.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use runbus_workers::model::{Accumulator, Delta, Parser};
use serde_json::{Value, json};

use crate::Setup;
use crate::report::{Report, Table, column, progress};

/// Target of one core, in MB/s (a million bytes).
const GOAL_MB: f64 = 200.0;

/// Bytes that the network gives at a time.
const READ_BYTES: usize = 16 * 1024;

/// Runs of each row; the median counts.
const RUNS: usize = 5;

pub(crate) fn run(setup: &Setup, report: &mut Report) -> anyhow::Result<()> {
    let chunks = setup.scaled(100_000, 5_000);
    progress("provider: streams");
    let mut table = Table::new(
        format!("Stream reader: answers of {chunks} chunks, one core"),
        &[column("bytes/chunk", 0), column("MB/s", 0), column("us/chunk", 3)],
    );
    let mut reader: f64 = f64::MAX;
    for (name, stream) in [("one token a chunk", tokens(chunks)), ("one call, in pieces", calls(chunks))] {
        let mut row = |what: &str, read: &dyn Fn(&[u8]) -> anyhow::Result<usize>| -> anyhow::Result<f64> {
            let took = median(|| timed(&stream, chunks, read))?;
            let (bytes, seconds) = (number(stream.len()), took.as_secs_f64());
            let rate = bytes / seconds / 1e6;
            let each = seconds * 1e6 / number(chunks);
            table.row(format!("{name}: {what}"), &[Some(bytes / number(chunks)), Some(rate), Some(each)]);
            Ok(rate)
        };
        reader = reader.min(row("events, deltas and turn", &answer)?);
        row("events alone", &events)?;
        row("baseline: lines, each parsed by serde_json", &lines)?;
    }
    table.goal(format!("the reader takes {GOAL_MB} MB/s of SSE or more"), reader >= GOAL_MB);
    table.note(format!(
        "pieces of {READ_BYTES} bytes; the baseline finds the lines and parses the JSON of each into a value, as most clients do; the median of {RUNS} runs"
    ));
    report.table(&table);
    Ok(())
}

/// Everything that a client of Runbus does with the bytes.
fn answer(stream: &[u8]) -> anyhow::Result<usize> {
    let (mut parser, mut answer, mut deltas) = (Parser::default(), Accumulator::default(), Vec::new());
    let mut count = 0;
    for piece in stream.chunks(READ_BYTES) {
        parser.feed(piece)?;
        while let Some(event) = parser.pop() {
            answer.event(&event, &mut deltas)?;
        }
        // A reader takes them as they come.
        count += deltas.drain(..).map(black_box::<Delta>).count();
    }
    let turn = answer.finish()?;
    ensure!(!turn.text.is_empty() || !turn.tool_calls.is_empty(), "the answer is empty");
    Ok(count)
}

fn events(stream: &[u8]) -> anyhow::Result<usize> {
    let (mut parser, mut count) = (Parser::default(), 0);
    for piece in stream.chunks(READ_BYTES) {
        parser.feed(piece)?;
        while let Some(event) = parser.pop() {
            count += usize::from(!black_box(event).data.is_empty());
        }
    }
    Ok(count)
}

fn lines(stream: &[u8]) -> anyhow::Result<usize> {
    let mut count = 0;
    for line in stream.split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(b"data: ")) {
        if line != b"[DONE]" {
            black_box(serde_json::from_slice::<Value>(line).context("a chunk is no JSON")?);
            count += 1;
        }
    }
    Ok(count)
}

fn timed(
    stream: &[u8],
    chunks: usize,
    read: &dyn Fn(&[u8]) -> anyhow::Result<usize>,
) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let count = read(black_box(stream))?;
    let took = begun.elapsed();
    ensure!(count >= chunks, "{count} of {chunks} chunks were read");
    Ok(took)
}

fn median(mut run: impl FnMut() -> anyhow::Result<Duration>) -> anyhow::Result<Duration> {
    let mut all = (0..RUNS).map(|_| run()).collect::<anyhow::Result<Vec<_>>>()?;
    all.sort();
    Ok(all[RUNS / 2])
}

/// A stream as OpenAI's service sends it.
fn stream(deltas: impl Iterator<Item = Value>, reason: &str) -> Vec<u8> {
    let chunk = |delta: Value, reason: Value| {
        json!({"id": "chatcmpl-BmR2WyTFWwxEyXCLQkRbNnPQhZWJK", "object": "chat.completion.chunk", "created": 1_782_000_000,
            "model": "gpt-4o-mini-2024-07-18", "service_tier": "default", "system_fingerprint": "fp_34a54ae93c",
            "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": reason}], "usage": null,
            "obfuscation": "kQ3nL9xTfa"})
    };
    let all = deltas.map(|delta| chunk(delta, Value::Null)).chain([chunk(json!({}), reason.into())]);
    let mut text: String = all.map(|chunk| format!("data: {chunk}\n\n")).collect();
    text.push_str("data: [DONE]\n\n");
    text.into_bytes()
}

fn tokens(chunks: usize) -> Vec<u8> {
    stream((0..chunks).map(|n| json!({"content": format!(" w{}", n % 100)})), "stop")
}

fn calls(chunks: usize) -> Vec<u8> {
    let first = json!({"role": "assistant", "content": null, "tool_calls": [
        {"index": 0, "id": "call_DdmO9pD3xa9XTPNJ32zg2hcA", "type": "function", "function": {"name": "write", "arguments": "{\"a\":["}}]});
    let piece = |n: usize| {
        let arguments = if n == chunks { "0]}" } else { "12," };
        json!({"tool_calls": [{"index": 0, "function": {"arguments": arguments}}]})
    };
    stream(std::iter::once(first).chain((1..=chunks).map(piece)), "tool_calls")
}

#[expect(clippy::cast_precision_loss, reason = "counts for people")]
fn number(count: usize) -> f64 {
    count as f64
}
