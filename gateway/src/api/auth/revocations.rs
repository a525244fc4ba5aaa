//! `POST /v1/auth/revocations`: ends a credential, or all that somebody got before a time, at all gateways.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use runbus::time::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::error::Failure;
use crate::app::{App, Endpoint};
use crate::auth::revocation::{Revocation, What};
use crate::auth::{Action, Rule};
use crate::limits;
use crate::openapi::{Operation, Problem};

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::post(
        "/v1/auth/revocations",
        Rule::Everything(Action::Admin),
        Operation::new("revoke", "End a credential everywhere")
            .says("Either `token_id`, or `subject` with or without `issued_before`.")
            .body::<Asked>(json!({ "token_id": "key/ops" }))
            .answers::<Revocation>(
                201,
                "it is durable; it counts here now, at the other gateways within seconds",
            )
            .refuses([Problem::Full]),
        post,
    )]
}

/// The revoked right: one credential, or all of a subject before a time.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RevokeRequest")]
pub struct Asked {
    /// A token's `jti`, or `key/<name>`. At most 256 bytes.
    #[schemars(length(min = 1, max = 256))]
    token_id: Option<String>,
    /// The subject. At most 256 bytes.
    #[schemars(length(min = 1, max = 256))]
    subject: Option<String>,
    /// Only what they got before this; not in the future. Absent: now.
    issued_before: Option<Timestamp>,
}

fn read(asked: Asked, now: Timestamp) -> Result<What, Failure> {
    let sound = |field: &'static str, text: String| {
        if text.is_empty() || text.len() > limits::CLAIM_BYTES {
            return Err(Failure::invalid(field, format!("1 to {} bytes are needed", limits::CLAIM_BYTES)));
        }
        Ok(Arc::<str>::from(text))
    };
    match asked {
        Asked { token_id: Some(id), subject: None, issued_before: None } => {
            Ok(What::Token { token_id: sound("token_id", id)? })
        }
        Asked { token_id: None, subject: Some(subject), issued_before } => {
            let issued_before = issued_before.unwrap_or(now);
            if issued_before > now {
                return Err(Failure::invalid("issued_before", "lies in the future"));
            }
            Ok(What::Subject { subject: sound("subject", subject)?, issued_before })
        }
        _ => {
            Err(Failure::invalid("token_id", "token_id, or subject with or without issued_before, is needed"))
        }
    }
}

/// 201 when it is durable. It counts at this gateway now, at the others within seconds.
///
/// # Errors
/// The request is wrong, or the log does not answer; the same call again is safe.
pub async fn post(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(asked): Body<Asked>,
) -> Result<(StatusCode, Json<Revocation>), Failure> {
    let what = read(asked, app.shared.auth.now())?;
    let revocation = app.shared.auth.revoke(what, &caller.principal).await?;
    Ok((StatusCode::CREATED, Json(revocation)))
}
