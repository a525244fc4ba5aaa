//! The effects at work: started when the state asks for them, dropped the moment that it does not.
//!
//! They are polled by their owner's own task, so that a dropped one does nothing more: no token follows a cancel.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::Poll;

use super::step::Effect;
use crate::run::Done;

type Running = Pin<Box<dyn Future<Output = Done> + Send>>;

/// The effects of one session that are at work.
#[derive(Default)]
pub(super) struct Effects {
    /// Never locked: it only makes an owner's borrow fit to cross threads.
    running: Mutex<Vec<(Effect, Running)>>,
}

impl std::fmt::Debug for Effects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Effects").finish_non_exhaustive()
    }
}

impl Effects {
    fn running(&mut self) -> &mut Vec<(Effect, Running)> {
        self.running.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops what is not wanted any more; not steps, when those that have begun are to be finished.
    pub(super) fn keep(&mut self, wanted: &BTreeSet<Effect>, finish_steps: bool) {
        self.running().retain(|(effect, _)| wanted.contains(effect) || (finish_steps && effect.is_step()));
    }

    /// Whether an effect is at work.
    pub(super) fn contains(&mut self, effect: &Effect) -> bool {
        self.running().iter().any(|(running, _)| running == effect)
    }

    /// Puts an effect to work.
    pub(super) fn start(&mut self, effect: Effect, work: impl Future<Output = Done> + Send + 'static) {
        self.running().push((effect, Box::pin(work)));
    }

    pub(super) fn is_empty(&mut self) -> bool {
        self.running().is_empty()
    }

    /// Drops everything.
    pub(super) fn clear(&mut self) {
        self.running().clear();
    }

    /// The next effect that ends; never, when none is at work. Safe to drop while waiting.
    pub(super) async fn next(&mut self) -> Done {
        std::future::poll_fn(|context| {
            let running = self.running();
            for at in 0..running.len() {
                if let Poll::Ready(done) = running[at].1.as_mut().poll(context) {
                    drop(running.swap_remove(at));
                    return Poll::Ready(done);
                }
            }
            Poll::Pending
        })
        .await
    }
}
