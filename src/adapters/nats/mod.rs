//! Log and queue on NATS JetStream.
