//! Streams: long-lived lines of work.

super::payloads! {
    /// A stream accepts executions.
    Started {
        /// What it is, as its producer says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
    }
    /// A stream accepts no more.
    Stopped {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
}
