//! Taking up a session with a long journal, beside one with a short one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use runbus::bus::{Delivery, Filter, Reader};
use runbus::control::SendRequest;
use runbus::id::{EventId, ExecutionId, NodeId, SessionId, StreamId, WorkerId};
use runbus::labels::Labels;
use runbus::log::{Expect, Frame, Log, Sequence, Since};
use runbus::session::command::{Action, Budget, Command, Multitask, Scheduling, Start};
use runbus::session::entry::{Entry, Fact, Judgement, Outcome};
use runbus::session::journal::Journal;
use runbus::session::{Message, Turn};
use runbus::subject::Topic;
use runbus::time::Clock;
use runbus_workers::config::Config;
use runbus_workers::session::actor::{Actor, Dependencies, Ended};
use runbus_workers::session::claim::{self, Claim};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::ports::{Ports, Servers};
use crate::report::{Report, Table, column, progress};
use crate::worker::{self, Options, STEPS};
use crate::{Setup, sample};

/// Entries of a long journal, and of a short one.
const ENTRIES: (usize, usize) = (100_000, 5_000);
const FEW: usize = 10;

/// Turns of a long conversation.
const TURNS: (usize, usize) = (2_000, 200);

/// Entries of one turn.
const EACH: usize = 8;

/// Turns after which the conversation is folded into a note.
const FOLDED: usize = 50;

/// Times that each is measured.
const TIMES: (usize, usize) = (21, 3);

/// To stay below, in milliseconds.
const GOAL_MS: f64 = 50.0;

/// Entries of a frame, when a journal is built.
const FRAME: usize = 100;

/// Longest time for one measurement.
const LONGEST: Duration = Duration::from_secs(600);

pub(crate) async fn run(setup: &Setup, report: &mut Report) -> anyhow::Result<()> {
    let entries = setup.scaled(ENTRIES.0, ENTRIES.1);
    let turns = setup.scaled(TURNS.0, TURNS.1);
    let mut claims = Table::new(
        "Sessions: taking one up",
        &[
            column("median, ms", 2),
            column("longest, ms", 2),
            column("ratio", 2),
            column("session's status, ms", 2),
            column("messages for the model, ms", 2),
            column("without a checkpoint, ms", 1),
        ],
    );
    let mut spoken = Table::new(
        "Sessions: a turn of a long conversation",
        &[column("median, ms", 1), column("longest, ms", 1), column("ratio", 2)],
    );
    let (mut slowest, mut ratios) = (0.0_f64, Vec::new());
    for brokers in [false, true] {
        let name = if brokers { "NATS and Redis" } else { "embedded" };
        progress(&format!("sessions: claims of {entries} entries, {name}"));
        let folder = setup.folder()?;
        let servers = if brokers { Some(Servers::start(setup).await?) } else { None };
        let ports = match &servers {
            Some(servers) => servers.ports(None).await?,
            None => Ports::embedded(&folder.path().join("data"))?,
        };
        let mut floor = None;
        for (what, entries, folds) in [
            ("baseline: 10 entries", FEW, false),
            ("folded into notes", entries, true),
            ("nothing folded", entries, false),
        ] {
            let found = tokio::time::timeout(LONGEST, claimed(setup, &ports, entries, folds));
            let found = found.await.context("it takes too long")??;
            let floor = *floor.get_or_insert(found.median);
            slowest = slowest.max(found.median);
            let label = if entries == FEW { what.to_owned() } else { format!("{entries} entries, {what}") };
            let cells = [
                found.median,
                found.longest,
                found.median / floor,
                found.status,
                found.messages,
                found.without,
            ];
            claims.row(format!("{label}, {name}"), &cells.map(Some));
        }
        progress(&format!("sessions: a turn after {turns}, {name}"));
        let (first, late) = tokio::time::timeout(LONGEST, talk(setup, &ports, turns)).await??;
        spoken.row(format!("baseline: the first turn, {name}"), &[Some(first.0), Some(first.1), Some(1.0)]);
        spoken.row(
            format!("a turn after {turns}, {name}"),
            &[Some(late.0), Some(late.1), Some(late.0 / first.0)],
        );
        ratios.push(late.0 / first.0);
    }
    claims.goal(
        format!("under {GOAL_MS} ms for a session with {entries} entries (slowest: {slowest:.1} ms)"),
        slowest < GOAL_MS,
    );
    claims.note(
        "taken up: the journal is read and folded, claimed, and the events of its last execution are looked at; status: \
         `GET /v1/sessions/{id}` without HTTP; messages: the journal is read with all that the model reads; without a \
         checkpoint: the first time, as a version without checkpoints left it",
    );
    let worst = ratios.iter().copied().fold(0.0, f64::max);
    spoken.goal(format!("no more than the first turn (ratio: {worst:.2})"), worst <= 1.05);
    spoken.note(
        "from `send` to `execution_completed`; one call of a scripted model; the conversation is not folded",
    );
    report.table(&claims);
    report.table(&spoken);
    Ok(())
}

struct Found {
    median: f64,
    longest: f64,
    status: f64,
    messages: f64,
    without: f64,
}

/// Takes up a session with so many entries, again and again.
async fn claimed(setup: &Setup, ports: &Ports, entries: usize, folds: bool) -> anyhow::Result<Found> {
    let times = setup.scaled(TIMES.0, TIMES.1);
    let session = SessionId::generate();
    build(&ports.log, &session, entries / EACH, folds).await?;
    let (config, dependencies) = worker::dependencies(ports, &Options::default())?;
    let begun = Instant::now();
    let mut journal = claim(&dependencies, &config, &session).await?;
    let without = ms(begun);
    let known = journal.state.entries;
    ensure!(known as usize >= entries / EACH * EACH, "{known} entries were read");
    journal.checkpoint(true).await?;
    journal.append(Fact::Released { wake_at: None }).await?;
    let control = ports.control();
    let (mut taken, mut status, mut messages) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..times {
        let begun = Instant::now();
        let journal = claim(&dependencies, &config, &session).await?;
        let (stop, drain) = (CancellationToken::new(), CancellationToken::new());
        let (attempts, clock) = (config.max_attempts, dependencies.clone());
        let mut actor =
            Actor::take_up(clock, control.clone(), attempts, session.clone(), journal, stop.clone()).await?;
        taken.push(ms(begun));
        drain.cancel();
        ensure!(actor.work(&drain).await? == Ended::HandedOver, "it lets go");
        stop.cancel();
        dependencies.store.release(&claim::lease(&session), dependencies.worker.as_str()).await?;
        let begun = Instant::now();
        control.session(&session).await?;
        status.push(ms(begun));
        let begun = Instant::now();
        let mut read = Journal::load(ports.log.clone(), Clock::System, session.clone()).await?;
        read.load_messages(false).await?;
        messages.push(ms(begun));
    }
    let median = sample::median(&mut taken);
    let longest = taken.last().copied().unwrap_or(median);
    let (status, messages) = (sample::median(&mut status), sample::median(&mut messages));
    Ok(Found { median, longest, status, messages, without })
}

async fn claim(dependencies: &Dependencies, config: &Config, session: &SessionId) -> anyhow::Result<Journal> {
    match claim::claim(dependencies, session, config.lease_ttl(), Duration::ZERO).await? {
        Claim::Owned(journal) => Ok(*journal),
        Claim::Busy { .. } => anyhow::bail!("the session is another worker's"),
    }
}

/// A turn of a fresh session, and one of a session with so many before: median and longest of each, in milliseconds.
async fn talk(setup: &Setup, ports: &Ports, turns: usize) -> anyhow::Result<((f64, f64), (f64, f64))> {
    let times = setup.scaled(TIMES.0, TIMES.1);
    let session = SessionId::generate();
    build(&ports.log, &session, turns, false).await?;
    let options = Options { rounds: 0, ..Options::default() };
    let (worker, _name) = worker::build(ports, &options)?;
    let (drain, cut) = (CancellationToken::new(), CancellationToken::new());
    let _end = cut.clone().drop_guard();
    let running = tokio::spawn(worker.run(drain.clone(), cut));
    // The first one reads the whole journal, and leaves a checkpoint.
    turn(ports, None).await?;
    turn(ports, Some(&session)).await?;
    let (mut first, mut late) = (Vec::new(), Vec::new());
    for _ in 0..times {
        first.push(turn(ports, None).await?);
        late.push(turn(ports, Some(&session)).await?);
    }
    drain.cancel();
    running.await?;
    let both = [&mut first, &mut late].map(|times| {
        let median = sample::median(times);
        (median, times.last().copied().unwrap_or(median))
    });
    Ok(both.into())
}

/// Says something, and waits for the answer.
async fn turn(ports: &Ports, session: Option<&SessionId>) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let request = SendRequest {
        session_id: session.cloned(),
        definition: Some(STEPS.into()),
        input: "Go on.".into(),
        ..SendRequest::default()
    };
    let started = ports.control().send(request, None).await?;
    let filter = Filter::execution_of(started.stream_id, started.execution_id);
    let mut reader = Reader::start(ports.log.clone(), filter, Since::All).await?;
    let ended = async {
        loop {
            if let Delivery::Event(found) = reader.next().await?
                && found.event.kind.is_terminal()
            {
                ensure!(found.event.kind.as_str() == "execution_completed", "{:?}", found.event);
                return Ok(());
            }
        }
    };
    tokio::time::timeout(LONGEST, ended).await.context("no answer")??;
    Ok(ms(begun))
}

fn ms(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e3
}

/// Writes a journal as a version without checkpoints does.
async fn build(log: &Arc<dyn Log>, session: &SessionId, turns: usize, folds: bool) -> anyhow::Result<()> {
    let (topic, at) = (Topic::Journal(session.clone()), Clock::System.now());
    let (mut last, mut index) = (None, 0);
    let mut lines = Vec::new();
    for n in 0..turns {
        for fact in facts(n, folds)? {
            lines.push(Entry { at, checkpoint: None, fact }.encode()?);
        }
        if lines.len() >= FRAME || n + 1 == turns {
            let frame = Frame::owned(1, index, 0, &lines);
            last = Some(log.append(&topic, &frame, Expect::Last(last)).await?);
            index += lines.len() as u64;
            lines.clear();
        }
    }
    Ok(())
}

/// The entries of a turn.
fn facts(n: usize, folds: bool) -> anyhow::Result<Vec<Fact>> {
    let (execution_id, node) = (ExecutionId::generate(), NodeId::new(STEPS)?);
    let start = Start {
        execution_id: execution_id.clone(),
        stream_id: StreamId::new(STEPS)?,
        definition: STEPS.into(),
        input: json!("What comes next, and why does it come next?"),
        correlation_id: None,
        multitask: Multitask::Enqueue,
        budget: Budget::default(),
        scheduling: Scheduling::default(),
        labels: Labels::default(),
        parent: None,
        resumes: false,
        trace: None,
    };
    let at = Clock::System.now();
    let command = Command { id: EventId::generate(), at, by: None, action: Action::Start(Box::new(start)) };
    let text = format!("The number {n} comes next, because it is the one behind the number before it.");
    let output = json!(text);
    let mut facts = vec![
        Fact::Claimed { worker: WorkerId::new("built")?, epoch: n as u64 + 1 },
        // None of them is in the inbox.
        Fact::CommandTaken { inbox: Sequence(0), stored_at: at, command: Some(command) },
        Fact::ExecutionStarted { execution_id, definition: None },
        Fact::NodeStarted {
            node: node.clone(),
            visit: 1,
            iteration: 1,
            opening: vec![
                Message::system("You are measured. Be brief."),
                Message::user("What comes next, and why does it come next?"),
            ],
            converses: true,
            call: None,
        },
        Fact::TurnCompleted { node: node.clone(), turn: Turn { text, ..Turn::default() } },
        Fact::NodeCompleted {
            node: node.clone(),
            output: output.clone(),
            rounds: 1,
            arrivals: Vec::new(),
            judgement: Judgement::default(),
        },
        Fact::ExecutionEnded { outcome: Outcome::Completed { output } },
        Fact::Released { wake_at: None },
    ];
    if folds && n % FOLDED == FOLDED - 1 {
        let notes = n / FOLDED;
        let (to, note) = (2 * n + notes, format!("Up to the number {n} one came behind the other."));
        let (tokens_before, tokens_after) = (8_000, 100);
        let from = 0;
        facts.insert(4, Fact::Compacted { node, from, to, note, tokens_before, tokens_after, usage: None });
    }
    Ok(facts)
}
