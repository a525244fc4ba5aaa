//! Subjects: where things live, in words that every adapter shares and NATS users can type.
//!
//! ```text
//! <prefix>.ev.<shard>.<stream>.<node>.<execution>   events that Runbus writes; `_` for "none"
//! <prefix>.ext.<shard>.<stream>.<node>.<execution>  events that anybody may publish
//! <prefix>.se.<shard>.<session>                     journals
//! <prefix>.in.<shard>.<session>                     inboxes
//! ```

mod scope;
mod shard;
pub mod token;
mod topic;

pub use scope::Scope;
pub use shard::{Error as LayoutError, Layout, Shard};
pub use topic::{EXTERNAL, Key, Lane, Topic};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::{ExecutionId, NodeId, SessionId, StreamId};

    proptest! {
        #[test]
        fn subjects_of_any_ids_parse_back(
            stream in "[^\\p{Cc}.][^\\p{Cc}]{0,19}",
            node in proptest::option::of("[^\\p{Cc}.][^\\p{Cc}]{0,19}"),
            execution in proptest::option::of("[^\\p{Cc}.][^\\p{Cc}]{0,19}"),
        ) {
            let topic = Topic::Events {
                stream: StreamId::new(&stream).unwrap(),
                node: node.map(|id| NodeId::new(id).unwrap()),
                execution: execution.map(|id| ExecutionId::new(id).unwrap()),
            };
            prop_assert!(Scope::EVERYTHING.matches(&topic));
            let subject = topic.subject("rb", Shard(3));
            let rest = subject.strip_prefix("rb.ev.3.").unwrap();
            prop_assert_eq!(&Topic::parse(Lane::Events, rest, &subject), &topic);
            let external = topic.external_subject("rb", Shard(3)).unwrap();
            prop_assert_eq!(external, format!("rb.ext.3.{rest}"));
        }

        #[test]
        fn any_subject_parses_to_something(rest in "[\\s\\S]{0,40}") {
            for lane in Lane::ALL {
                prop_assert_eq!(Topic::parse(lane, &rest, &rest).lane(), lane);
            }
        }
    }

    #[test]
    fn patterns_read_like_the_documentation() {
        let session = SessionId::new("chat 1").unwrap();
        assert_eq!(Scope::EVERYTHING.pattern("rb", Shard(0)), "rb.*.0.*.*.*");
        assert_eq!(Scope::Journal(Some(session.clone())).pattern("rb", Shard(2)), "rb.se.2.chat%201");
        let key = Key::Execution(StreamId::new("council").unwrap(), ExecutionId::new("run.1").unwrap());
        assert_eq!(key.pattern("rb", Shard(1)), "rb.*.1.council.*.run%2E1");
        assert_eq!(key.own_pattern("rb", Shard(1)), "rb.ev.1.council.*.run%2E1");
        let inbox = Topic::Inbox(session);
        assert_eq!(inbox.subject("rb", Shard(2)), "rb.in.2.chat%201");
        assert_eq!(inbox.external_subject("rb", Shard(2)), None, "commands have no external subject");
    }
}
