//! `runbus approvals`: may this call run?

use clap::Subcommand;
use runbus::control::DecideRequest;
use runbus::id::ExecutionId;
use runbus::store::index::Family;
use serde_json::Value;

use super::{ls, waiting};
use crate::configuration::Configuration;
use crate::exit::{Code, Error};
use crate::global::Global;
use crate::output;
use crate::reach::Reach;

/// Lists the calls of an execution that wait for a decision, and decides them. The first decision counts.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  runbus approvals list run-1\n  runbus approvals approve APPROVAL --digest DIGEST --note 'go ahead'\n  runbus approvals approve APPROVAL --arguments '{\"path\":\"/tmp/x\"}'\n  runbus approvals reject APPROVAL --note 'not on a Friday'"
)]
pub(crate) struct Approvals {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show the approvals of an execution, or of all, that wait for a decision.
    #[command(after_help = "Example:\n  runbus approvals list run-1
  runbus approvals list --all")]
    List {
        /// The execution.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        execution: Option<ExecutionId>,
        /// Of all executions.
        #[arg(long)]
        all: bool,
        /// Go on behind a page: the cursor that it ends with.
        #[arg(long, requires = "all")]
        cursor: Option<String>,
    },
    /// Show an approval, in any state.
    #[command(after_help = "Example:\n  runbus approvals show APPROVAL")]
    Show {
        /// The approval.
        approval: String,
    },
    /// Let the call run.
    #[command(after_help = "Example:\n  runbus approvals approve APPROVAL --digest DIGEST")]
    Approve {
        /// The approval.
        approval: String,
        /// A note for the record.
        #[arg(long)]
        note: Option<String>,
        /// Run it with these arguments instead (a JSON object).
        #[arg(long, value_name = "JSON", value_parser = object)]
        arguments: Option<Value>,
        /// The digest of the arguments that you saw: refused when the call's are others.
        #[arg(long)]
        digest: Option<String>,
    },
    /// Do not let it run.
    #[command(after_help = "Example:\n  runbus approvals reject APPROVAL --note 'not on a Friday'")]
    Reject {
        /// The approval.
        approval: String,
        /// A note for the model.
        #[arg(long)]
        note: Option<String>,
        /// The digest of the arguments that you saw: refused when the call's are others.
        #[arg(long)]
        digest: Option<String>,
    },
}

fn object(text: &str) -> Result<Value, String> {
    match runbus::json::from_str(text) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err("expected a JSON object".into()),
        Err(error) => Err(format!("expected a JSON object: {error}")),
    }
}

impl Approvals {
    /// Runs it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn run(self, global: &Global, configuration: &Configuration) -> Result<Code, Error> {
        let reach = Reach::look(global, configuration).await?;
        match self.what {
            What::List { execution: Some(execution), .. } => {
                waiting::approvals(global, &reach.approvals(&execution).await?)?;
                Ok(Code::Ok)
            }
            What::List { execution: None, cursor, .. } => {
                let mut asked = vec![("limit".to_owned(), runbus::limits::LIST_ENTRIES.to_string())];
                asked.extend(cursor.map(|cursor| ("cursor".to_owned(), cursor)));
                ls::show(global, configuration, Family::Approvals, &asked, false).await
            }
            What::Show { approval } => {
                waiting::approvals(global, &[reach.approval(&approval).await?])?;
                Ok(Code::Ok)
            }
            What::Approve { approval, note, arguments, digest } => {
                let request = DecideRequest {
                    approved: true,
                    arguments,
                    note,
                    arguments_digest: digest,
                    decision_id: None,
                };
                decide(&reach, global, &approval, request).await
            }
            What::Reject { approval, note, digest } => {
                let request = DecideRequest {
                    approved: false,
                    note,
                    arguments_digest: digest,
                    ..DecideRequest::default()
                };
                decide(&reach, global, &approval, request).await
            }
        }
    }
}

async fn decide(
    reach: &Reach,
    global: &Global,
    approval: &str,
    request: DecideRequest,
) -> Result<Code, Error> {
    let word = if request.approved { "approved" } else { "rejected" };
    let decided = reach.decide(approval, request).await?;
    if global.json {
        output::json(&decided)?;
    } else {
        output::line(&format!("{word} {approval}"))?;
    }
    Ok(Code::Ok)
}
