//! The payload: token deltas with the envelope that a worker gives them.

use bytes::Bytes;
use runbus::event::family::model::TextDelta;
use runbus::event::{Event, Source};
use runbus::id::{ExecutionId, NodeId, SessionId, StreamId};
use runbus::time::Clock;

/// Words as models stream them.
const TOKENS: [&str; 8] =
    [" the", " council", " agrees", " that", " durability", " is", " worth", " measuring"];

/// The stream of all samples.
pub(crate) fn stream() -> StreamId {
    StreamId::new("bench").expect("a plain word is an id")
}

/// The node of all samples.
pub(crate) fn node() -> NodeId {
    NodeId::new("writer").expect("a plain word is an id")
}

/// One execution that streams.
#[derive(Debug, Clone)]
pub(crate) struct Execution {
    pub(crate) id: ExecutionId,
    source: Source,
    count: usize,
}

impl Execution {
    pub(crate) fn new() -> Self {
        Self::named(ExecutionId::generate())
    }

    /// With an id that others know.
    pub(crate) fn named(id: ExecutionId) -> Self {
        let mut source = Source::execution(stream(), id.clone(), Clock::System).node(node());
        source.session_id = Some(SessionId::generate());
        source.attempt = Some(1);
        Self { id, source, count: 0 }
    }

    /// The next token.
    pub(crate) fn event(&mut self) -> Event {
        let content = TOKENS[self.count % TOKENS.len()].into();
        self.count += 1;
        self.source.llm_text_delta(TextDelta { content, snapshot: None })
    }

    /// The next token as a line.
    pub(crate) fn line(&mut self) -> anyhow::Result<Bytes> {
        Ok(self.event().encode()?)
    }
}

/// Mean size of a line, in bytes.
pub(crate) fn line_bytes() -> anyhow::Result<usize> {
    let mut execution = Execution::new();
    let lines = (0..TOKENS.len()).map(|_| execution.line()).collect::<anyhow::Result<Vec<_>>>()?;
    Ok(lines.iter().map(Bytes::len).sum::<usize>() / lines.len())
}

/// The value in the middle. Empty: zero.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// The value that `share` of all are not above, of sorted values.
pub(crate) fn percentile(sorted: &[u64], share: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index below the length")]
    let at = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len().max(1)) - 1;
    sorted.get(at).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_and_medians() {
        let values: Vec<u64> = (1..=100).collect();
        assert_eq!(
            (percentile(&values, 0.5), percentile(&values, 0.99), percentile(&values, 1.0)),
            (50, 99, 100)
        );
        assert_eq!(percentile(&[], 0.5), 0);
        assert!((median(&mut [3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
    }
}
