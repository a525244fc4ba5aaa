//! Folding old messages into a note that the model writes.

use futures_util::StreamExt;
use runbus::id::NodeId;
use runbus::session::entry::Fact;
use runbus::session::state::State;
use runbus::session::{Message, Turn};

use super::model::{self, Asked};
use super::{Context, Done};
use crate::compaction::{self, HEAD};
use crate::model::{Delta, Fault, Hint, Request};

/// The messages to fold.
#[derive(Debug)]
pub struct Fold {
    node: NodeId,
    from: usize,
    to: usize,
    request: Request,
    tokens_before: u64,
    /// The approximate size of the kept messages, in tokens.
    tokens_kept: u64,
    asked: Asked,
}

/// The fold of a range of a node's messages; `None`: the node is not at work, or folds nothing.
#[must_use]
pub fn fold(
    context: &Context,
    state: &State,
    node: &NodeId,
    range: (usize, usize),
    attempt: u32,
) -> Option<Fold> {
    let (from, to) = range;
    let run = state.running()?;
    let visit = run.visits.get(node)?;
    let asked = Asked::next(context, run, node, visit, attempt);
    let settings = context.plan.compaction(node)?;
    let said = state.said(visit);
    let hint = Hint { node: format!("{node}#compaction"), iteration: visit.number, round: visit.rounds + 1 };
    let messages = compaction::question(said, from, to, &settings);
    let tokens_kept =
        compaction::estimate(said.live().filter(|(at, _)| *at >= to).map(|(_, message)| message));
    let whole = compaction::estimate(said.live().map(|(_, message)| message));
    let request = Request { model: asked.model(), ..context.plan.request(node, messages, hint) };
    let tokens_before = visit.context_tokens.max(whole);
    Some(Fold { node: node.clone(), from, to, request, tokens_before, tokens_kept, asked })
}

/// Asks the model for the note.
#[tracing::instrument(name = "compact", skip_all, fields(node = %fold.node))]
pub async fn run(context: Context, fold: Fold) -> Done {
    let Fold { node, from, to, mut request, tokens_before, tokens_kept, asked } = fold;
    request.options.response_format = None;
    request.options.tool_choice = None;
    let turn = match answer(&context, request).await {
        Ok(turn) => turn,
        Err(fault) => return Done::fact(model::failed(&context, &node, &fault, &asked)),
    };
    let note = format!("{HEAD}{}", turn.text);
    let tokens_after = tokens_kept + compaction::estimate(std::iter::once(&Message::user(note.clone())));
    Done::fact(Fact::Compacted { node, from, to, note, tokens_before, tokens_after, usage: turn.usage })
}

async fn answer(context: &Context, request: Request) -> Result<Turn, Fault> {
    let mut deltas = context.model.stream(request).await?;
    while let Some(delta) = deltas.next().await {
        if let Delta::Completed(turn) = delta? {
            return Ok(*turn);
        }
    }
    Err(Fault::ClosedEarly)
}
