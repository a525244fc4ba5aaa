//! The producer that counts for an execution: the one place that decides it, for all code that folds events.

use super::{Execution, Status};
use crate::event::{Event, Kind};

/// The meaning of an event for a fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folded {
    /// The first event that counts: the state before it, and the state folded from earlier events, is void.
    Begins,
    /// The next event of its producer.
    Counts,
    /// Somebody else's: it changes nothing.
    Nothing,
}

/// Takes the next event of an execution. `is_external`: somebody who is no part of Runbus published it.
///
/// ```text
/// nothing is known             the event begins it
/// it is external               its events in the stream that came first count; the first event of Runbus begins it anew
/// Runbus runs it               the events of Runbus in its stream count, and no others
/// ```
///
/// Events of another execution count nothing.
pub fn fold_event(known: &mut Option<Execution>, event: &Event, is_external: bool) -> Folded {
    if let Some(known) = known {
        return known.fold_event(event, is_external);
    }
    *known = Execution::begin(event, is_external);
    if known.is_some() { Folded::Begins } else { Folded::Nothing }
}

impl Execution {
    /// The same, where something is known.
    pub fn fold_event(&mut self, event: &Event, is_external: bool) -> Folded {
        if event.execution_id.as_ref() != Some(&self.execution_id) {
            return Folded::Nothing;
        }
        let folded = self.relevance(event, is_external);
        match folded {
            Folded::Begins => {
                if let Some(begun) = Self::begin(event, is_external) {
                    *self = begun;
                }
            }
            Folded::Counts => self.apply(event),
            Folded::Nothing => {}
        }
        folded
    }

    fn relevance(&self, event: &Event, is_external: bool) -> Folded {
        let is_here = self.stream_id == event.stream_id;
        match (self.external, is_external) {
            (true, false) => Folded::Begins,
            (false, true) => Folded::Nothing,
            _ if is_here => Folded::Counts,
            // Two may have asked for it at once, in two streams: the one that a worker begins counts. And logs of earlier versions
            // have external events that look like Runbus's own.
            (false, false) if self.has_not_begun() && begins(&event.kind) => Folded::Begins,
            _ => Folded::Nothing,
        }
    }

    const fn has_not_begun(&self) -> bool {
        matches!(self.status, Status::Queued) && self.started_at.is_none()
    }
}

const fn begins(kind: &Kind) -> bool {
    matches!(kind, Kind::ExecutionQueued | Kind::ExecutionStarted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::event::Source;
    use crate::event::family::execution;
    use crate::id::{ExecutionId, SessionId, StreamId};
    use crate::time::Clock;

    /// An event about the execution `x`.
    fn said(stream: &str, session: Option<&str>, what: u8) -> Event {
        let source = Source {
            session_id: session.map(|id| SessionId::new(id).unwrap()),
            ..Source::execution(StreamId::new(stream).unwrap(), ExecutionId::new("x").unwrap(), Clock::System)
        };
        match what % 6 {
            0 => source.execution_queued(execution::Queued::default()),
            1 => source.execution_started(execution::Started { input: json!(1), definition: None }),
            2 => source.execution_paused(execution::Paused { reason: None }),
            3 => source.execution_completed(execution::Completed { output: json!(stream) }),
            4 => source.execution_failed(execution::Failed { error: json!(stream) }),
            _ => source.execution_cancelled(execution::Cancelled { reason: None }),
        }
    }

    proptest! {
        /// External events before, between and after do not change the state of an execution that Runbus runs.
        #[test]
        fn external_events_do_not_change_executions_of_runbus(
            own in proptest::collection::vec(any::<u8>(), 1..12),
            others in proptest::collection::vec((any::<u8>(), 0usize..3, 0usize..13), 0..30),
        ) {
            let alone: Vec<Event> = own.iter().map(|what| said("own", Some("s"), *what)).collect();
            let mut all: Vec<(Event, bool)> = alone.iter().cloned().map(|event| (event, false)).collect();
            for (what, stream, at) in others {
                let stream = ["own", "theirs", "else"][stream];
                let at = at.min(all.len());
                all.insert(at, (said(stream, Some("victim"), what), true));
            }
            let (mut wanted, mut found) = (None, None);
            alone.iter().for_each(|event| _ = fold_event(&mut wanted, event, false));
            let mut counted = 0;
            for (event, external) in &all {
                match fold_event(&mut found, event, *external) {
                    Folded::Begins => counted = 1,
                    Folded::Counts => counted += 1,
                    Folded::Nothing => prop_assert!(*external || counted > 0),
                }
            }
            prop_assert_eq!(found, wanted);
            prop_assert_eq!(counted, alone.len());
        }

        /// An external execution is folded from one stream: the one that came first.
        #[test]
        fn external_executions_fold_the_stream_that_came_first(
            words in proptest::collection::vec((any::<u8>(), any::<bool>()), 1..20),
        ) {
            let first = if words[0].1 { "a" } else { "b" };
            let (mut all, mut one) = (None, None);
            for (what, is_a) in &words {
                let event = said(if *is_a { "a" } else { "b" }, None, *what);
                fold_event(&mut all, &event, true);
                if event.stream_id.as_str() == first {
                    fold_event(&mut one, &event, true);
                }
            }
            prop_assert_eq!(all.clone(), one);
            prop_assert!(all.is_some_and(|known| known.external && known.stream_id.as_str() == first));
        }
    }

    #[test]
    fn of_two_starts_the_one_that_is_begun_counts() {
        let mut known = None;
        for (stream, what) in [("a", 0), ("b", 0), ("a", 1), ("b", 0), ("b", 3), ("a", 2)] {
            fold_event(&mut known, &said(stream, None, what), false);
        }
        let known = known.unwrap();
        assert_eq!((known.stream_id.as_str(), known.status), ("a", Status::Paused));
    }

    #[test]
    fn an_event_of_no_execution_or_of_another_one_counts_nothing() {
        let mut known = None;
        let stream = Source::stream(StreamId::new("s").unwrap(), Clock::System);
        let event = stream.execution_started(execution::Started { input: json!(1), definition: None });
        assert_eq!((fold_event(&mut known, &event, false), &known), (Folded::Nothing, &None));
        fold_event(&mut known, &said("s", None, 1), false);
        let other =
            Source::execution(StreamId::new("s").unwrap(), ExecutionId::new("y").unwrap(), Clock::System);
        let event = other.execution_cancelled(execution::Cancelled { reason: None });
        assert_eq!(fold_event(&mut known, &event, false), Folded::Nothing);
    }
}
