//! `runbus session`: conversations.

use clap::Subcommand;
use runbus::control::SendRequest;
use runbus::id::{ExecutionId, SessionId, StreamId};
use runbus::labels::Label;
use serde_json::json;

use super::input::Input;
use super::run::RunArgs;
use super::start::after;
use super::waiting;
use crate::configuration::Configuration;
use crate::exit::{Code, Error};
use crate::global::Global;
use crate::output;
use crate::reach::Reach;

/// Sends messages to sessions, shows them, settles their unresolved calls.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  runbus session send --definition assistant 'Good morning' --follow\n  runbus session send SESSION 'And in French?' --multitask interrupt\n  runbus session show SESSION\n  runbus session abort-pending SESSION --reason 'nobody knows whether it was sent'"
)]
pub(crate) struct Session {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Send a message: starts an execution that continues the conversation.
    #[command(
        after_help = "Examples:\n  runbus session send --definition assistant 'Good morning'     a new session\n  runbus session send SESSION 'And in French?' --follow"
    )]
    Send(Box<Send>),
    /// Show a session: its status, and its waiting requests.
    #[command(after_help = "Example:\n  runbus session show SESSION")]
    Show {
        /// The session.
        session: SessionId,
    },
    /// Show the messages, oldest first.
    #[command(after_help = "Example:\n  runbus session messages SESSION --include-compacted")]
    Messages {
        /// The session.
        session: SessionId,
        /// Also what was folded into notes, which the model does not read any more.
        #[arg(long)]
        include_compacted: bool,
    },
    /// Show the calls that have no answer yet.
    #[command(after_help = "Example:\n  runbus session pending SESSION")]
    Pending {
        /// The session.
        session: SessionId,
    },
    /// Finish the unresolved calls (they run, perhaps again) and continue; with none, one more round without input.
    #[command(after_help = "Example:\n  runbus session resume SESSION --follow")]
    Resume {
        /// The session.
        session: SessionId,
        /// Show its events until it ends; exit code 1 when it ends badly.
        #[arg(long)]
        follow: bool,
    },
    /// Answer the unresolved calls with `<aborted: reason>` and continue: none of them runs.
    #[command(after_help = "Example:\n  runbus session abort-pending SESSION --reason 'not needed any more'")]
    AbortPending {
        /// The session.
        session: SessionId,
        /// Why; the model reads it.
        #[arg(long, default_value = "by request")]
        reason: String,
    },
    /// Take no more input; the execution at work stops.
    #[command(after_help = "Example:\n  runbus session close SESSION --cascade")]
    Close {
        /// The session.
        session: SessionId,
        /// Its children close too.
        #[arg(long)]
        cascade: bool,
        /// Why, for the record.
        #[arg(long)]
        reason: Option<String>,
    },
}

#[derive(Debug, clap::Args)]
struct Send {
    /// The session; absent: a new one.
    session: Option<String>,
    #[command(flatten)]
    input: Input,
    /// The agent or graph; absent: the one that the session ran last.
    #[arg(long, value_name = "NAME")]
    definition: Option<String>,
    /// The execution's id; the same id twice starts one.
    #[arg(long, value_name = "ID")]
    execution: Option<ExecutionId>,
    /// The stream's id; absent: the session's last one, or the definition's name.
    #[arg(long, value_name = "ID")]
    stream: Option<StreamId>,
    /// A label that lists can be filtered by; several are possible.
    #[arg(long = "label", value_name = "KEY=VALUE")]
    labels: Vec<Label>,
    #[command(flatten)]
    run: RunArgs,
    /// Show its events until it ends; exit code 1 when it ends badly.
    #[arg(long)]
    follow: bool,
}

impl Session {
    /// Runs it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn run(self, global: &Global, configuration: &Configuration) -> Result<Code, Error> {
        let reach = match &self.what {
            What::Send(_) => Reach::open(global, configuration).await?,
            _ => Reach::look(global, configuration).await?,
        };
        match self.what {
            What::Send(send) => return send.run(global, &reach).await,
            What::Show { session } => {
                let session = reach.session(&session).await?;
                waiting::session(global, &session)?;
            }
            What::Messages { session, include_compacted } => {
                for said in reach.messages(&session, include_compacted).await? {
                    waiting::message(global, &said)?;
                }
            }
            What::Pending { session } => {
                waiting::calls(global, &reach.pending(&session).await?)?;
            }
            What::Resume { session, follow } => {
                let started = reach.resume(&session).await?;
                if started.created || follow {
                    return after(&reach, global, started, follow).await;
                }
                if global.json {
                    output::json(&started)?;
                } else {
                    output::line(&format!("{} goes on (session {session})", started.execution_id))?;
                }
            }
            What::AbortPending { session, reason } => {
                let aborted = reach.abort_pending(&session, &reason).await?;
                if global.json {
                    output::json(&json!({ "session_id": session, "aborted": aborted }))?;
                } else if aborted.is_empty() {
                    output::line("nothing was unresolved")?;
                } else {
                    let names: Vec<&str> = aborted.iter().map(|call| call.tool_name.as_str()).collect();
                    output::line(&format!("aborted: {}", names.join(", ")))?;
                }
            }
            What::Close { session, cascade, reason } => {
                let closed = reach.close_session(&session, cascade, reason).await?;
                if global.json {
                    output::json(&closed)?;
                } else {
                    output::line(&format!("session {session} is closed"))?;
                }
            }
        }
        Ok(Code::Ok)
    }
}

impl Send {
    /// The session, if it goes on, and the input. With a definition and one text, the text is the input of a new session.
    fn addressed(&self) -> Result<(Option<SessionId>, &str), Error> {
        let (session, text) = match (&self.session, self.input.given()) {
            (session, Some(text)) => (session.as_deref(), text),
            (Some(text), None) if self.definition.is_some() => (None, text.as_str()),
            (_, None) => {
                let message = "no input: write it behind the session, or after --input";
                return Err(Error::Usage(message.into()));
            }
        };
        let session = session.map(SessionId::new).transpose();
        Ok((session.map_err(|error| Error::Usage(format!("SESSION: {error}")))?, text))
    }

    async fn run(self, global: &Global, reach: &Reach) -> Result<Code, Error> {
        let (session, text) = self.addressed()?;
        let input = self.input.with(text)?;
        let request = SendRequest {
            session_id: session,
            input,
            definition: self.definition,
            execution_id: self.execution,
            stream_id: self.stream,
            correlation_id: None,
            multitask: self.run.multitask(),
            budget: self.run.budget(),
            scheduling: self.run.scheduling(),
            labels: self.labels.into_iter().collect(),
        };
        let started = reach.send(request).await?;
        after(reach, global, started, self.follow).await
    }
}
