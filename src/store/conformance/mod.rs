//! The suite that every adapter of the store passes.
