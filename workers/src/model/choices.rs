//! Which of a stream's choices are the answer.
//!
//! Only the first of several choices counts. Some servers number tokens in place of choices: there is one choice, and its index grows by
//! one with each piece. One piece cannot tell the two apart, so the first piece with the next index is held until another one comes.

use super::chunk::Choice;

/// The choices of one answer, as they come.
#[derive(Debug, Default)]
pub(super) struct Choices {
    /// The index of the choice that counts.
    current: u64,
    /// Whether that index grows with each piece.
    counts_up: bool,
    /// Whether another choice was seen.
    has_others: bool,
    held: Option<Choice>,
}

impl Choices {
    /// Takes the choices of one chunk; gives those that belong to the answer now. `is_empty`: nothing of the answer has come.
    pub(super) fn take(&mut self, choices: Vec<Choice>, is_empty: bool) -> Vec<Choice> {
        self.has_others |= choices.len() > 1;
        choices.into_iter().flat_map(|choice| self.one(choice, is_empty)).collect()
    }

    fn one(&mut self, choice: Choice, is_empty: bool) -> Vec<Choice> {
        let is_next = choice.index == self.current + 1;
        if self.counts_up {
            self.current = if is_next { choice.index } else { self.current };
            return if is_next { vec![choice] } else { Vec::new() };
        }
        if choice.index == self.current {
            self.has_others |= self.held.take().is_some();
            return vec![choice];
        }
        match self.held.take() {
            Some(held) if choice.index == held.index + 1 && !self.has_others => {
                (self.counts_up, self.current) = (true, choice.index);
                vec![held, choice]
            }
            None if is_next && !self.has_others && !choice.is_opening && !is_empty => {
                self.held = Some(choice);
                Vec::new()
            }
            _ => {
                self.has_others = true;
                Vec::new()
            }
        }
    }

    /// Ends the stream: a held choice belongs to the answer.
    pub(super) fn end(&mut self) -> Option<Choice> {
        self.held.take()
    }
}
