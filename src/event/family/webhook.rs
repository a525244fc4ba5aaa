//! Webhooks: events that a receiver did not get.

use crate::id::{EventId, ExecutionId};

super::payloads! {
    /// An event was given up for one endpoint: the receiver will not get it.
    #[schemars(rename = "WebhookFailed")]
    Failed {
        /// The endpoint's name in the configuration.
        endpoint: String,
        /// The event that was not delivered.
        event_id: EventId,
        /// Its type.
        event_type: crate::event::Kind,
        /// The run that it is of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        execution_id: Option<ExecutionId>,
        /// How often it was tried.
        attempts: u32,
        /// The error of the last try.
        error: String,
    }
}
