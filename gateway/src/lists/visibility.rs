//! A principal sees the entries of lists that it may read.

use runbus::directory::{Seen, Streams, Visibility};

use crate::auth::pattern::Pattern;
use crate::auth::{Action, Principal, Target};

impl Visibility for Principal {
    fn sees(&self, seen: Seen<'_>) -> bool {
        let Seen { stream, node, execution } = seen;
        self.may(Action::Read, Target { stream, node, execution })
    }

    fn streams(&self) -> Option<Vec<Streams>> {
        let reading = self.scopes.iter().filter(|scope| scope.actions().contains(&Action::Read));
        let streams = reading.map(|scope| {
            let (stream, is_whole) = scope.stream();
            let (name, is_beginning) = match stream {
                Pattern::Any => return None,
                Pattern::Prefix(begins) => (begins.to_string(), true),
                Pattern::Exact(name) => (name.to_string(), false),
            };
            Some(Streams { name, is_beginning, is_whole })
        });
        streams.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(scopes: &[&str]) -> Principal {
        let scopes = scopes.iter().map(|scope| scope.parse().unwrap()).collect();
        Principal { scopes, ..Principal::everyone() }
    }

    #[test]
    fn streams_are_those_of_scopes_that_read() {
        assert_eq!(Principal::everyone().streams(), None);
        assert_eq!(principal(&["read:a", "read"]).streams(), None);
        assert_eq!(principal(&["start"]).streams(), Some(Vec::new()));
        let some = principal(&["read,start:orders-*", "read:b/*/run-1", "read:c/node", "cancel:d"]);
        let streams = some.streams().unwrap();
        let shown: Vec<_> = streams.iter().map(|s| (s.name.as_str(), s.is_beginning, s.is_whole)).collect();
        assert_eq!(shown, [("orders-", true, true), ("b", false, false), ("c", false, false)]);
    }
}
