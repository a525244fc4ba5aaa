//! The command line.

use clap::{CommandFactory as _, Parser, Subcommand};
use runbus::telemetry;

use crate::commands;
use crate::configuration::Configuration;
use crate::exit::{Code, Error};
use crate::global::Global;

/// The durable event bus for AI-agent executions.
#[derive(Debug, Parser)]
#[command(
    name = "runbus",
    version,
    after_help = "Two to begin with:\n  runbus demo     run the built-in council in this process and watch it\n  runbus dev      the same, and stay up\n\nExit codes: 0 done, 1 nothing found or the execution failed, 64 wrong usage or configuration,\n65 wrong input, 66 no such thing, 69 a server does not answer, 70 internal error, 75 conflict with the current state,\n77 the credential does not allow it."
)]
pub(crate) struct Args {
    /// The arguments of every command.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the built-in council in this process, show its events, end with it.
    Demo(commands::demo::Demo),
    /// Run gateway and worker in this process, and stay up.
    Dev(commands::dev::Dev),
    /// Run a gateway.
    Gateway(commands::gateway::Gateway),
    /// Run a worker.
    Worker(commands::worker::Worker),
    /// Start an execution.
    Start(commands::start::Start),
    /// List executions.
    Ls(commands::ls::Ls),
    /// List sessions.
    Sessions(commands::ls::Sessions),
    /// List agents and graphs, or show one.
    Definitions(commands::definitions::Definitions),
    /// List workers.
    Workers(commands::workers::Workers),
    /// Send messages to sessions, show them, settle their unresolved calls.
    Session(commands::session::Session),
    /// Stop an execution.
    Cancel(commands::cancel::Cancel),
    /// Pause an execution: no further step begins.
    Pause(commands::pause::Pause),
    /// Continue a paused execution.
    Unpause(commands::pause::Unpause),
    /// List and decide calls that wait for a person.
    Approvals(commands::approvals::Approvals),
    /// Answer a question that an execution asks.
    Answer(commands::answer::Answer),
    /// Executions that no worker could finish: list, show, retry.
    DeadLetters(commands::dead_letters::DeadLetters),
    /// Show events as they happen.
    Tail(commands::tail::Tail),
    /// Publish events.
    Publish(commands::publish::Publish),
    /// Show stored events.
    History(commands::history::History),
    /// Show what the log holds.
    Stats(commands::stats::Stats),
    /// Wait for an event.
    Wait(commands::wait::Wait),
    /// Make API keys, and their hashes for the configuration.
    Auth(commands::auth::Auth),
    /// Print the permissions that NATS and Redis users need.
    Permissions(commands::permissions::Permissions),
    /// Make the streams of the configuration.
    Setup(commands::setup::Setup),
    /// Check configuration, broker, store and streams.
    Doctor(commands::doctor::Doctor),
    /// List the configured models, and ask each whether it answers.
    Models(commands::models::Models),
    /// Print a script for completion in a shell.
    Completions(commands::completions::Completions),
    /// Answer a shell that completes.
    #[command(name = "__complete", hide = true)]
    Complete(commands::completions::Complete),
}

impl Command {
    /// Runs it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn run(self, global: Global, configuration: Configuration) -> Result<Code, Error> {
        match self {
            Self::Demo(command) => Box::pin(command.run(&global, configuration)).await,
            Self::Dev(command) => Box::pin(command.run(&global, configuration)).await,
            Self::Gateway(command) => Box::pin(command.run(configuration)).await,
            Self::Worker(command) => Box::pin(command.run(configuration)).await,
            Self::Start(command) => Box::pin(command.run(&global, &configuration)).await,
            Self::Ls(command) => Box::pin(command.run(&global, &configuration)).await,
            Self::Sessions(command) => Box::pin(command.run(&global, &configuration)).await,
            Self::Definitions(command) => Box::pin(command.run(&global, &configuration)).await,
            Self::Workers(command) => Box::pin(command.run(&global, &configuration)).await,
            Self::Session(command) => Box::pin(command.run(&global, &configuration)).await,
            Self::Cancel(command) => Box::pin(command.run(&global, &configuration)).await,
            Self::Pause(command) => Box::pin(command.run(&global, &configuration)).await,
            Self::Unpause(command) => Box::pin(command.run(&global, &configuration)).await,
            Self::Approvals(command) => Box::pin(command.run(&global, &configuration)).await,
            Self::Answer(command) => Box::pin(command.run(&global, &configuration)).await,
            Self::DeadLetters(command) => Box::pin(command.run(&global, &configuration)).await,
            Self::Tail(command) => Box::pin(command.run(&global, &configuration)).await,
            Self::Publish(command) => Box::pin(command.run(&global, &configuration)).await,
            Self::History(command) => Box::pin(command.run(&global, &configuration)).await,
            Self::Stats(command) => Box::pin(command.run(&global, &configuration)).await,
            Self::Wait(command) => Box::pin(command.run(&global, &configuration)).await,
            Self::Auth(command) => command.run(&global),
            Self::Permissions(command) => command.run(&configuration),
            Self::Setup(command) => Box::pin(command.run(&global, &configuration)).await,
            Self::Doctor(command) => Box::pin(command.run(&global, &configuration)).await,
            Self::Models(command) => Box::pin(command.run(&global, &configuration)).await,
            Self::Completions(command) => command.run(),
            Self::Complete(command) => Box::pin(command.run(Args::command(), &global, &configuration)).await,
        }
    }

    /// Whether it serves until a signal ends it.
    #[must_use]
    pub(crate) const fn is_server(&self) -> bool {
        matches!(self, Self::Gateway(_) | Self::Worker(_) | Self::Dev(_))
    }

    /// The log settings of the command: servers as configured, tools for people none, unless requested.
    #[must_use]
    pub(crate) fn telemetry(&self, configuration: &Configuration) -> telemetry::Config {
        let mut config = configuration.telemetry.clone();
        if !self.is_server() && config.filter == telemetry::Config::default().filter {
            // The command itself reports a failure, once.
            config.filter = "off".into();
        }
        config
    }
}
