//! The owner's writer: numbered frames, group commit, fencing, and open frames in between.

use runbus::bus::{Delivery, Filter};
use runbus::event::Source;
use runbus::event::family::custom::Custom;
use runbus::event::family::model::TextDelta;
use runbus::id::{ExecutionId, NodeId, StreamId};
use runbus::log::Since;
use runbus::subject::Key;
use runbus::time::Clock;
use runbus::writer::{Error, Start, Writer};
use tokio_util::sync::CancellationToken;

use crate::backends;

#[tokio::test(flavor = "multi_thread")]
async fn numbers_have_no_holes_and_strangers_do_not_fence() {
    for backend in backends::all().await {
        let (stream, execution) = (StreamId::new("s").unwrap(), ExecutionId::new("e").unwrap());
        let source = Source::execution(stream.clone(), execution.clone(), Clock::System);
        let stop = CancellationToken::new();
        let start = Start { epoch: 1, ..Start::default() };
        let writer =
            Writer::open(backend.log.clone(), stream.clone(), execution.clone(), start, stop.clone());
        let mut tickets = Vec::new();
        for n in 0..500 {
            let node = NodeId::new(if n % 50 < 25 { "a" } else { "b" }).unwrap();
            let event = source
                .node(node.clone())
                .llm_text_delta(TextDelta { content: n.to_string(), snapshot: None });
            tickets.push(writer.append(Some(node), vec![event.encode().unwrap()], None).await.unwrap());
            if n % 100 == 0 {
                // A plain publisher's event in the middle of an owned execution.
                backend.bus().publish(source.custom(Custom::default())).await.unwrap();
            }
        }
        for ticket in tickets {
            ticket.durable().await.unwrap();
        }
        let mut reader = backend.bus().read(Filter::execution(execution.clone()), Since::All).await.unwrap();
        let (mut owned, mut open) = (0, 0);
        while owned < 500 || open < 5 {
            if let Delivery::Event(found) = reader.next().await.unwrap() {
                if found.event.node_id.is_some() {
                    assert_eq!(found.seq, owned, "{}", backend.name);
                    owned += 1;
                } else {
                    open += 1;
                }
            }
        }

        // Another owner writes: the first one is fenced for good.
        let last =
            backend.log.last(&Key::Execution(stream.clone(), execution.clone())).await.unwrap().unwrap();
        let start =
            Start { epoch: 2, last: Some(last.sequence), own: Some(last.sequence), index: 500, journal: 0 };
        let second = Writer::open(backend.log.clone(), stream, execution, start, stop.clone());
        let line = || vec![source.custom(Custom::default()).encode().unwrap()];
        second.append(None, line(), None).await.unwrap().durable().await.unwrap();
        let refused = writer.append(None, line(), None).await.unwrap().durable().await;
        assert!(matches!(refused, Err(Error::Fenced)), "{refused:?}");
        stop.cancel();
    }
}
