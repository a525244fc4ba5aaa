//! The ways in that stream: their endpoints, and the transports of their clients (`websocket`, `pieces`).

pub mod later;
pub mod lists;
pub mod monitor;
pub mod pieces;
pub mod sse;
pub mod websocket;
pub mod ws;
