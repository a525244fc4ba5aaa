//! Every metric: its name with the unit in it, its help text, and its type. The only place where names are written;
//! `docs/metrics.md` is generated from it.

use super::family::{CounterBy, GaugeBy, HistogramBy};
use super::kind::{Counter, Gauge, Histogram, Seconds};
use super::label::{
    Answer, Auth, Close, Crowd, Cut, Failed, Lane, Ok, Rank, SocketState, Tokens, ToolOutcome,
    Transport, Webhook,
};
use super::text::Metric;

/// A named metric.
pub(super) struct Named {
    /// Its name, as it is exposed.
    pub(super) name: &'static str,
    /// The help text.
    pub(super) help: &'static str,
    /// Itself.
    pub(super) metric: &'static dyn Metric,
}

/// Metrics of one part of the system.
pub(super) struct Group {
    pub(super) heading: &'static str,
    pub(super) metrics: &'static [Named],
}

macro_rules! catalogue {
    ($( $module:ident, $heading:literal { $( $(#[doc = $help:literal])+ $name:ident: $type:ty = $text:literal; )+ } )+) => {
        $(
            #[doc = concat!("Metrics of: ", $heading, ".")]
            pub mod $module {
                use super::*;

                $( $(#[doc = $help])+ pub static $name: $type = <$type>::new(); )+
            }
        )+

        pub(super) static ALL: &[Group] = &[$(
            Group {
                heading: $heading,
                metrics: &[$(
                    Named { name: $text, help: concat!($($help),+), metric: &$module::$name },
                )+],
            },
        )+];
    };
}

catalogue! {
    gateway, "gateway" {
        /// Connected clients, over all transports and subjects: a WebSocket, an event stream of events or of a monitor, a
        /// long-poll request.
        CONNECTIONS: GaugeBy<Transport> = "runbus_gateway_connections";
        /// Sockets that are open. Waiting ones have not shown a valid credential yet, or have no request under way.
        SOCKETS: GaugeBy<SocketState> = "runbus_gateway_sockets";
        /// Sockets that were closed before their client closed them.
        SOCKETS_CUT: CounterBy<Cut> = "runbus_gateway_sockets_cut_total";
        /// WebSockets, event streams and requests that wait which were refused because all places were taken.
        SOCKETS_REFUSED: CounterBy<Crowd> = "runbus_gateway_sockets_refused_total";
        /// Times that a connection could not be accepted, for want of descriptors or memory.
        ACCEPT_FAILURES: Counter = "runbus_gateway_accept_failures_total";
        /// Connections of known clients that there may be: `gateway.max_connections`, or less where the limit of open files is too low.
        MAX_CONNECTIONS: Gauge = "runbus_gateway_max_connections";
        /// Subscriptions that are open.
        SUBSCRIPTIONS: Gauge = "runbus_gateway_subscriptions";
        /// Monitors that clients watch: one for each watch, over any transport.
        MONITORS: Gauge = "runbus_gateway_monitors";
        /// Watched scopes: readers of the log that clients share. One may stay for a few seconds after its last client.
        HUBS: Gauge = "runbus_gateway_hubs";
        /// Bytes of recent events that hubs keep for their clients.
        RING: Gauge = "runbus_gateway_ring_bytes";
        /// Events written to clients.
        DELIVERIES: CounterBy<Transport> = "runbus_gateway_deliveries_total";
        /// Bytes of events written to clients, without framing.
        DELIVERED: CounterBy<Transport> = "runbus_gateway_delivered_bytes_total";
        /// Events that were merged into another one for a client that reads slowly.
        COALESCED: Counter = "runbus_gateway_coalesced_events_total";
        /// Times that a client fell behind the recent events and went on from the log.
        SPILLED: Counter = "runbus_gateway_spilled_readers_total";
        /// Subscriptions that were too slow for the recent events and read the log at their own pace now. One whose client
        /// takes nothing at the moment is counted when its write ends; until then its bytes are held.
        BEHIND: Gauge = "runbus_gateway_slow_readers";
        /// Bytes that are prepared for clients which have not taken them yet.
        HELD: Gauge = "runbus_gateway_held_bytes";
        /// Gaps that clients received: events that are gone.
        GAPS: Counter = "runbus_gateway_gaps_total";
        /// Reads of history that are at work.
        HISTORY_READS: Gauge = "runbus_gateway_history_reads";
        /// Events that clients published and that are durable. One that is given again counts again.
        PUBLISHED: Counter = "runbus_gateway_published_events_total";
        /// Errors that callers received, by REST and on connections.
        REFUSALS: CounterBy<ErrorCode> = "runbus_gateway_refusals_total";
        /// WebSockets that the gateway closed.
        CLOSES: CounterBy<Close> = "runbus_gateway_closes_total";
        /// Requests, connections and messages that the caller's credential did not allow.
        AUTH_FAILURES: CounterBy<Auth> = "runbus_gateway_auth_failures_total";
        /// From the time in an event to its write, for the oldest event of each write to a client that keeps up. It needs
        /// the clocks of publisher and gateway to agree.
        LATENCY: HistogramBy<Transport> = "runbus_gateway_delivery_latency_seconds";
        /// When the certificate that the gateway shows expires, in seconds since 1970; 0 without TLS.
        CERTIFICATE_EXPIRES: Gauge = "runbus_gateway_certificate_expires_seconds";
        /// Gateways of this process that drain: they take no new clients.
        DRAINING: Gauge = "runbus_gateway_draining";
    }
    log, "log and bus" {
        /// Frames that the log took.
        APPENDED_FRAMES: CounterBy<Lane> = "runbus_log_appended_frames_total";
        /// Lines of those frames: events, journal entries, commands.
        APPENDED_LINES: CounterBy<Lane> = "runbus_log_appended_lines_total";
        /// Payload bytes of those frames.
        APPENDED_BYTES: CounterBy<Lane> = "runbus_log_appended_bytes_total";
        /// From the append of a frame to its acknowledgement.
        APPEND_LATENCY: HistogramBy<Lane> = "runbus_log_append_latency_seconds";
        /// Appends that were not acknowledged.
        APPEND_FAILURES: CounterBy<Failed> = "runbus_log_append_failures_total";
        /// Pages that were read.
        PAGES: CounterBy<Lane> = "runbus_log_read_pages_total";
        /// Frames in those pages.
        READ_FRAMES: CounterBy<Lane> = "runbus_log_read_frames_total";
        /// Reads that failed.
        READ_FAILURES: CounterBy<Lane> = "runbus_log_read_failures_total";
        /// Looks for frames that a live feed may have lost.
        PROBES: Counter = "runbus_log_probes_total";
        /// Live feeds that may have lost something: reconnects, full buffers.
        SUSPECTS: Counter = "runbus_log_suspect_feeds_total";
        /// Readers that follow the log.
        FOLLOWERS: Gauge = "runbus_log_followers";
    }
    nats, "NATS" {
        /// Open connections to NATS.
        CONNECTED: Gauge = "runbus_nats_connections";
        /// Times that a connection to NATS was made, the first time included.
        CONNECTS: Counter = "runbus_nats_connects_total";
        /// Times that a connection to NATS was lost.
        DISCONNECTS: Counter = "runbus_nats_disconnects_total";
        /// Times that a subscription was too slow and lost messages; they are found in the log.
        SLOW: Counter = "runbus_nats_slow_consumers_total";
        /// Errors that a server reported.
        ERRORS: Counter = "runbus_nats_server_errors_total";
    }
    redis, "Redis" {
        /// Times that a connection was made.
        CONNECTS: Counter = "runbus_redis_connects_total";
        /// Commands that failed, after the one repetition on a fresh connection.
        ERRORS: Counter = "runbus_redis_errors_total";
    }
    worker, "worker" {
        /// Sessions that this process works on.
        SESSIONS: Gauge = "runbus_worker_sessions";
        /// How many sessions it may work on at a time.
        CONCURRENCY: Gauge = "runbus_worker_concurrency";
        /// Wake-ups that wait or are held, in the whole deployment: every worker and every gateway reports the same, so take the
        /// maximum. Sessions that wait for a person or a time have none.
        JOBS: GaugeBy<Rank> = "runbus_worker_queued_jobs";
        /// Claims of sessions.
        CLAIMS: CounterBy<Ok> = "runbus_worker_claims_total";
        /// Claims of sessions whose worker did not release them: it died or was cut off.
        TAKEOVERS: Counter = "runbus_worker_takeovers_total";
        /// Times that a session was put aside until a command or a timer.
        PARKS: Counter = "runbus_worker_parks_total";
        /// Executions that began.
        STARTED: Counter = "runbus_worker_executions_started_total";
        /// Executions that ended, whether completed or not.
        ENDED: CounterBy<Ok> = "runbus_worker_executions_ended_total";
        /// Calls of the model that are under way.
        MODEL_CALLS_NOW: Gauge = "runbus_worker_model_calls_running";
        /// Calls of the model that ended.
        MODEL_CALLS: CounterBy<Answer> = "runbus_worker_model_calls_total";
        /// From a call of the model to its whole answer or its fault.
        MODEL_LATENCY: Histogram = "runbus_worker_model_latency_seconds";
        /// From a call of the model to the first piece of its answer.
        FIRST_TOKEN: Histogram = "runbus_worker_time_to_first_token_seconds";
        /// Tokens, as providers count them. Cached ones are among the input, reasoning among the output.
        TOKENS: CounterBy<Tokens> = "runbus_worker_tokens_total";
        /// Calls of the model that will be tried again.
        RETRIES: Counter = "runbus_worker_model_retries_total";
        /// Calls of tools that are under way.
        TOOL_CALLS_NOW: Gauge = "runbus_worker_tool_calls_running";
        /// Calls of tools that ended, refused ones included.
        TOOL_CALLS: CounterBy<ToolOutcome> = "runbus_worker_tool_calls_total";
        /// How long calls of tools took.
        TOOL_LATENCY: Histogram = "runbus_worker_tool_latency_seconds";
        /// Results and errors of tools that were cut.
        TRUNCATED: Counter = "runbus_worker_tool_results_truncated_total";
        /// Approvals that were asked for.
        APPROVALS_REQUESTED: Counter = "runbus_worker_approvals_requested_total";
        /// Approvals that were decided or expired. The difference to the requested ones is still open.
        APPROVALS_SETTLED: Counter = "runbus_worker_approvals_settled_total";
        /// Sessions that were given up.
        DEAD_LETTERS: Counter = "runbus_worker_dead_letters_total";
        /// Webhooks: events and tries.
        WEBHOOKS: CounterBy<Webhook> = "runbus_webhook_events_total";
    }
    process, "process" {
        /// Processor time, user and system.
        CPU: Seconds = "process_cpu_seconds_total";
        /// Resident memory.
        RESIDENT: Gauge = "process_resident_memory_bytes";
        /// File descriptors that are open.
        FILES: Gauge = "process_open_fds";
        /// Threads.
        THREADS: Gauge = "process_threads";
    }
}
