//! The reader of answers on any bytes with any cuts, for fuzzing.

use super::answer::Fold;
use super::{Accumulator, Delta, Event, Parser, ThinkTags, anthropic, gemini, responses};

/// Sizes of the pieces in which an input comes, again and again.
const CUTS: [&[usize]; 4] = [&[1], &[2, 3], &[7, 1, 64], &[1000, 1]];

/// Text that an answer may hold for each byte that came: U+FFFD has three bytes.
const GROWTH: usize = 4;

/// Text that an answer may hold beside that, in bytes.
const BESIDE: usize = 4096;

/// Reads an input as a stream, cut in several ways, and as a whole answer, by each API.
///
/// # Panics
/// Two ways of cutting give different events, or an answer holds more than came.
pub fn fuzz(input: &[u8]) {
    let whole = events([input]);
    for cuts in CUTS {
        assert_eq!(events(pieces(input, cuts)), whole, "the same events for every chunking");
    }
    for mut fold in folds() {
        let mut deltas = Vec::new();
        for event in &whole.0 {
            if fold.event(event, &mut deltas).is_err() {
                break;
            }
        }
        ended(input, fold, deltas);
    }
    for mut fold in folds() {
        let mut deltas = Vec::new();
        drop(fold.response(input, &mut deltas));
        ended(input, fold, deltas);
    }
}

fn folds() -> [Box<dyn Fold>; 5] {
    [
        Box::new(Accumulator::default()),
        Box::new(Accumulator::splitting(ThinkTags::Auto)),
        anthropic::fold(),
        gemini::fold(),
        responses::fold(),
    ]
}

fn ended(input: &[u8], fold: Box<dyn Fold>, mut deltas: Vec<Delta>) {
    let turn = fold.finish(&mut deltas);
    let streamed: usize = deltas.iter().map(size).sum();
    let kept = turn.map_or(0, |turn| turn.text.len() + turn.reasoning.len());
    assert!(streamed.max(kept) <= input.len() * GROWTH + BESIDE, "an answer holds no more than came");
}

fn size(delta: &Delta) -> usize {
    match delta {
        Delta::Text(text) | Delta::Reasoning(text) => text.len(),
        Delta::Call(call) => call.arguments.len(),
        Delta::Completed(_) => 0,
    }
}

/// The events, and whether a limit was passed.
fn events<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Event>, bool) {
    let (mut parser, mut found) = (Parser::default(), Vec::new());
    for piece in pieces {
        let fed = parser.feed(piece);
        found.extend(std::iter::from_fn(|| parser.pop()));
        if fed.is_err() {
            return (found, true);
        }
    }
    match parser.finish() {
        Ok(last) => found.extend(last),
        Err(_too_large) => return (found, true),
    }
    found.extend(std::iter::from_fn(|| parser.pop()));
    (found, false)
}

fn pieces<'a>(mut rest: &'a [u8], sizes: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    sizes.iter().cycle().map_while(move |size| {
        let (piece, after) = rest.split_at((*size).min(rest.len()));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_with_every_end_of_line_are_read_the_same_however_they_are_cut() {
        for input in
            ["data: {\"a\":1}\r\n\r\ndata: x\r\rdata: é\n\n: c\ndata: y", "error: {}\n\ndata: 1\rdata", ""]
        {
            fuzz(input.as_bytes());
        }
    }
}
