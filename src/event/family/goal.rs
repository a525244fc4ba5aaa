//! Goals and constraints.

use serde_json::Value;

super::payloads! {
    /// How far a goal has come.
    Progress {
        /// From 0 to 1.
        progress: f64,
        /// The state of each criterion.
        #[serde(default)]
        criteria_status: Value,
    }
    /// A goal was reached.
    Achieved {
        /// Which.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        goal_id: Option<String>,
    }
    /// A constraint does not hold.
    ConstraintViolation {
        /// Which.
        constraint_id: String,
        /// A description of the event.
        #[serde(default)]
        description: String,
    }
}
