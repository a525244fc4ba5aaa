//! `runbus-fuzz`: mutated external input against the code that reads it.
//!
//! `runbus-fuzz` runs every target, `runbus-fuzz --target frames --seconds 600` one. Each runs in a process of its own, on a
//! stack as large as those of a real one: a panic, an overflow or an endless loop ends that process, and its last input is kept.
//! The generator mutates examples by a seed; it does not see what the code covers.

mod generate;
mod targets;

use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Parser;
use runbus::limits::STACK_BYTES;

use generate::Generator;
use targets::Target;

/// How long a process may take beyond its time: a single input must not take that long.
const PATIENCE: Duration = Duration::from_secs(60);

/// The command line.
#[derive(Debug, Parser)]
struct Args {
    /// Only this target.
    #[arg(long)]
    target: Option<String>,
    /// How long each target runs, in seconds.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Where the generator begins: the same seed, the same inputs.
    #[arg(long)]
    seed: Option<u64>,
    /// Targets at a time.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Where inputs that ended a process are kept.
    #[arg(long, default_value = "target/fuzz")]
    out: PathBuf,
    /// Give one file to the target, and end.
    #[arg(long, requires = "target")]
    input: Option<PathBuf>,
    /// This is the process of one target.
    #[arg(long, hide = true)]
    child: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    std::fs::create_dir_all(&args.out)?;
    let wanted = match &args.target {
        None => Target::ALL.to_vec(),
        Some(name) => vec![Target::named(name).with_context(|| format!("there is no target {name:?}"))?],
    };
    if args.child || args.input.is_some() {
        let target = wanted[0];
        let work = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || work(target, &args))?;
        return match work.join() {
            Ok(outcome) => outcome.map(|()| ExitCode::SUCCESS),
            Err(_panic) => Ok(ExitCode::FAILURE),
        };
    }
    let mut failed = false;
    for targets in wanted.chunks(args.jobs.max(1)) {
        let running: Vec<_> = targets
            .iter()
            .map(|target| Ok((*target, start(*target, &args)?)))
            .collect::<anyhow::Result<_>>()?;
        for (target, child) in running {
            failed |= !ended(target, child, &args)?;
        }
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn start(target: Target, args: &Args) -> anyhow::Result<Child> {
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..));
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--child", "--target", target.name, "--seconds", &args.seconds.to_string()]);
    command.args(["--seed", &seed.to_string(), "--out"]).arg(&args.out);
    Ok(command.spawn()?)
}

/// Waits for a target's process; whether it ended well.
#[expect(clippy::print_stderr, reason = "a program whose output is its purpose")]
fn ended(target: Target, mut child: Child, args: &Args) -> anyhow::Result<bool> {
    let until = Instant::now() + Duration::from_secs(args.seconds) + PATIENCE;
    let status = loop {
        match child.try_wait()? {
            Some(status) => break status.to_string(),
            None if Instant::now() > until => {
                child.kill()?;
                child.wait()?;
                break "an input that does not end".into();
            }
            None => std::thread::sleep(Duration::from_millis(50)),
        }
    };
    let last = last(&args.out, target);
    if status == "exit status: 0" {
        // Nothing to look at.
        let _ = std::fs::remove_file(last);
        return Ok(true);
    }
    let kept = args.out.join(format!("{}.failed", target.name));
    std::fs::rename(last, &kept)?;
    eprintln!(
        "{}: {status}; repeat it with --target {} --input {}",
        target.name,
        target.name,
        kept.display()
    );
    Ok(false)
}

fn last(out: &Path, target: Target) -> PathBuf {
    out.join(format!("{}.last", target.name))
}

#[expect(clippy::print_stdout, reason = "a program whose output is its purpose")]
fn work(target: Target, args: &Args) -> anyhow::Result<()> {
    if let Some(path) = &args.input {
        (target.run)(&std::fs::read(path)?);
        return Ok(());
    }
    let Some(seed) = args.seed else { bail!("a process of one target has a seed") };
    let mut generator = Generator::new(seed, target.examples);
    let mut file = std::fs::File::create(last(&args.out, target))?;
    let until = Instant::now() + Duration::from_secs(args.seconds);
    let mut inputs = 0_u64;
    while Instant::now() < until {
        let input = generator.next();
        // Before it is tried: an overflow leaves no time for that.
        file.rewind()?;
        file.set_len(0)?;
        file.write_all(&input)?;
        (target.run)(&input);
        inputs += 1;
    }
    println!("{:<16} {inputs} inputs in {} s, seed {seed}", target.name, args.seconds);
    Ok(())
}
