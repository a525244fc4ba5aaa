//! The suite that every adapter of the queue passes.
