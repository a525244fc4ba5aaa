//! The `runbus` command: parse, validate, run, map the outcome to an exit code.
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests read JSON that they wrote themselves"))]

mod args;
mod backend;
mod commands;
mod configuration;
mod exit;
mod global;
mod init;
mod lists;
mod output;
mod reach;
mod reload;
mod remote;
mod render;
mod snapshot;

use clap::Parser;
use runbus::limits::STACK_BYTES;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    // A message of a panic may hold what a stranger sent.
    std::panic::set_hook(Box::new(|panic| {
        output::complain(&format!("runbus: {panic}"));
        let trace = std::backtrace::Backtrace::capture();
        if trace.status() == std::backtrace::BacktraceStatus::Captured {
            output::complain_lines(&trace.to_string());
        }
    }));
    let args = match args::Args::try_parse() {
        Ok(args) => args,
        Err(error) => return exit::usage(error),
    };
    if init::is_needed() {
        return init::run()
            .unwrap_or_else(|error| exit::report(&exit::Error::Software(error.to_string())).into());
    }
    // The first thread's stack is whatever its shell allows: the work is done on one of known size.
    let work = std::thread::Builder::new().name("runbus".into()).stack_size(STACK_BYTES).spawn(|| run(args));
    let ended = match work.map(std::thread::JoinHandle::join) {
        Ok(Ok(ended)) => ended,
        // The panic has been reported where it happened.
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(error) => Err(exit::Error::Software(format!("no thread can be started: {error}"))),
    };
    match ended {
        Ok(code) => code.into(),
        Err(error) => exit::report(&error).into(),
    }
}

fn run(args: args::Args) -> Result<exit::Code, exit::Error> {
    let configuration = configuration::load(&args.global, std::env::vars())?;
    let _telemetry = runbus::telemetry::init(&args.command.telemetry(&configuration))
        .map_err(|error| exit::Error::Usage(error.to_string()))?;
    runbus::tls::install();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(STACK_BYTES)
        .build()
        .map_err(|error| exit::Error::Software(error.to_string()))?;
    let code = runtime.block_on(async {
        runbus::lifecycle::outlive_file_size_limit()
            .map_err(|error| exit::Error::Software(error.to_string()))?;
        if args.command.is_server() {
            reload::on_hangup(args.global.clone())
                .map_err(|error| exit::Error::Software(error.to_string()))?;
        }
        args.command.run(args.global, configuration).await
    });
    // Blocking threads (the embedded writer among them) get a moment to end; a hung one must not hold the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    code
}
