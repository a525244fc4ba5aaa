//! Every limit of MCP servers, with its unit in its name.

use std::time::Duration;

/// The most servers of one worker.
pub const MAX_SERVERS: usize = 64;

/// The longest name of a server, in bytes: it is the beginning of each of its tools' names.
pub const MAX_SERVER_NAME_BYTES: usize = 32;

/// The largest message that a server may send, in bytes. A larger one is dropped as it comes in, and the call that it
/// answers fails.
pub const MAX_MESSAGE_BYTES: usize = 8 * 1024 * 1024;

/// The most tools that one server lists; further ones are left out. Which of them a model gets is the definition's to say.
pub const MAX_TOOLS: usize = 512;

/// The longest name that a server gives a tool, in bytes; one with a longer name is left out. As long as a pattern may be.
pub const MAX_OWN_NAME_BYTES: usize = runbus::pattern::PATTERN_BYTES;

/// The most tools that are left out and shown with the reason.
pub const MAX_REFUSED: usize = 128;

/// The most pages of a list of tools.
pub const MAX_PAGES: usize = 32;

/// The longest description of a tool that the model reads, in bytes; the rest is cut.
pub const MAX_DESCRIPTION_BYTES: usize = 4 * 1024;

/// The largest schema of a tool's arguments, in bytes; a tool with a larger one is left out.
pub const MAX_SCHEMA_BYTES: usize = 64 * 1024;

/// The longest reason of a failure that is shown, in bytes.
pub const MAX_REASON_BYTES: usize = 1024;

/// The longest line of a server's standard error that is logged, in bytes; the rest is dropped.
pub const MAX_STDERR_LINE_BYTES: usize = 2 * 1024;

/// Messages that wait to be written to a server's standard input.
pub const MAX_QUEUED_MESSAGES: usize = 64;

/// How often a server that is up is asked for its tools, which also shows that it still answers.
pub const CHECK_EVERY: Duration = Duration::from_secs(30);

/// How long such an answer may take.
pub const CHECK_TIMEOUT: Duration = Duration::from_secs(10);

/// The first wait before a server is started again; it doubles each time.
pub const BACKOFF_MIN: Duration = Duration::from_millis(250);

/// The longest wait before a server is started again.
pub const BACKOFF_MAX: Duration = Duration::from_secs(60);

/// A server that was up for this long begins with the shortest wait again.
pub const STABLE_AFTER: Duration = Duration::from_secs(60);

/// How long a process may take to end by itself once its standard input is closed, and again after SIGTERM.
pub const EXIT_GRACE: Duration = Duration::from_secs(1);

/// How long an HTTP connection may take to be established.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Largest body of an answer that is an error, in bytes.
pub const MAX_ERROR_BODY_BYTES: usize = 64 * 1024;

/// Requests to one server that wait for an answer, as far as their ids are kept.
pub const MAX_OPEN_REQUESTS: usize = 4_096;

/// Ids of ended requests whose answers may still come.
pub const MAX_ENDED_REQUESTS: usize = 1_024;

/// The longest text of a server's progress that is kept, in bytes.
pub const MAX_PROGRESS_BYTES: usize = 1_024;

/// Words about the progress of calls that are just being sent.
pub const MAX_EARLY_WORDS: usize = 64;

/// How long a call whose connection broke waits for the reason that the supervisor finds.
pub const LOSS_GRACE: Duration = Duration::from_secs(3);

/// How long a worker that starts waits for its servers before it takes work.
pub const START_WAIT: Duration = Duration::from_secs(2);
