//! Streams: long-lived lines of work.

super::payloads! {
    /// A stream accepts executions.
    #[schemars(rename = "StreamStarted")]
    Started {
        /// The producer's description of the stream.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
    }
    /// A stream accepts no more.
    #[schemars(rename = "StreamStopped")]
    Stopped {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
}
