//! Commands that several drop-in endpoints have.

use runbus::control::{Control, Error};
use runbus::id::ExecutionId;

use crate::auth::Principal;
use crate::auth::permit::{self, Denied};

/// The reason in the record of a cancel.
const REASON: &str = "by a client of the tasks endpoint";

/// Stops an execution; `false`: it has ended otherwise, which its events say.
///
/// # Errors
/// The caller may not, or the log does not answer.
pub(super) async fn cancel(control: &Control, by: &Principal, id: &ExecutionId) -> Result<bool, Denied> {
    match permit::cancel(control, by, id, (None, Some(REASON.into()))).await {
        Ok(_) => Ok(true),
        Err(Denied::Control(Error::Conflict { .. })) => Ok(false),
        Err(denied) => Err(denied),
    }
}
