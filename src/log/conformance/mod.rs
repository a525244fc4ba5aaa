//! The suite that every adapter of the log passes.
