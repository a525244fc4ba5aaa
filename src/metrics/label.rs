//! Labels: each an enumeration, so that the number of series is known when the program is written.

use crate::error_code::{CloseCode, ErrorCode};

/// A label: its name, its values, and which of them one is.
pub trait Label: Copy + 'static {
    /// The label's name.
    const NAME: &'static str;
    /// Its values, in the order of [`Label::index`].
    const VALUES: &'static [&'static str];

    /// Which value it is.
    fn index(self) -> usize;
}

/// The most values that a label may have.
pub(super) const MAX_VALUES: usize = 24;

macro_rules! labels {
    ($( $(#[$doc:meta])* $type:ident = $label:literal { $( $(#[$value_doc:meta])* $value:ident = $text:literal, )* } )*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            pub enum $type {
                $( $(#[$value_doc])* $value, )*
            }

            impl Label for $type {
                const NAME: &'static str = $label;
                const VALUES: &'static [&'static str] = &[$( $text, )*];

                fn index(self) -> usize {
                    self as usize
                }
            }

            impl $type {
                /// Its value as text.
                #[must_use]
                pub const fn text(self) -> &'static str {
                    <Self as Label>::VALUES[self as usize]
                }
            }

            const _: () = assert!(<$type as Label>::VALUES.len() <= MAX_VALUES);
        )*
    };
}

labels! {
    /// How a client is connected.
    Transport = "transport" {
        /// WebSocket.
        Ws = "ws",
        /// Event stream.
        Sse = "sse",
        /// One request that waits for news.
        Poll = "poll",
    }

    /// The kind of a socket.
    SocketState = "state" {
        /// Of somebody who is not known, or asks nothing at the moment.
        Waiting = "waiting",
        /// Of a known client.
        Admitted = "admitted",
    }

    /// Why a socket was cut.
    Cut = "reason" {
        /// A newer one of its address came, which had its share.
        Share = "address_share",
        /// A newer one came when there were too many, and its address had the most.
        Crowd = "too_many",
        /// The process had no descriptor for a newer one.
        Descriptors = "descriptors",
        /// Its TLS handshake failed or took too long.
        Handshake = "handshake",
        /// The head of a request took too long.
        Head = "head",
        /// No request came for too long.
        Idle = "idle",
        /// The body of a request took too long.
        Body = "body",
        /// Its client read too little of the written data.
        Stuck = "stuck",
    }

    /// Which places were taken when a known client came.
    Crowd = "places" {
        /// All.
        All = "all",
        /// Those of its address.
        Address = "address",
        /// It was cut for a newer one at that moment.
        Cut = "cut",
    }

    /// Why somebody's credential was not taken.
    Auth = "reason" {
        /// None, or none that is valid.
        Unauthenticated = "unauthenticated",
        /// A valid one that does not allow it.
        Forbidden = "forbidden",
        /// Too many connections, or too much at once.
        Limited = "limited",
        /// Keys or revocations are not there.
        Unavailable = "unavailable",
    }

    /// A kind of log.
    Lane = "lane" {
        /// Events.
        Events = "events",
        /// Journals.
        Journal = "journal",
        /// Inboxes.
        Inbox = "inbox",
    }

    /// The outcome of an append that was not acknowledged.
    Failed = "reason" {
        /// Another writer was first.
        Fenced = "fenced",
        /// The outcome is not known yet.
        Unresolved = "unresolved",
        /// The log lost what it had acknowledged.
        Regressed = "regressed",
        /// Too large, or refused.
        Refused = "refused",
    }

    /// Whether something succeeded.
    Ok = "outcome" {
        /// It did.
        Ok = "ok",
        /// It did not.
        Error = "error",
    }

    /// How a call of the model ended.
    Answer = "outcome" {
        /// With an answer.
        Ok = "ok",
        /// The provider refused it.
        Refused = "refused",
        /// Too many requests.
        RateLimited = "rate_limited",
        /// The model wrote a tool call that its provider did not take.
        InvalidToolCall = "invalid_tool_call",
        /// No connection, or it broke.
        Connection = "connection",
        /// Nothing came for too long.
        Stalled = "stalled",
        /// Any other fault.
        Error = "error",
        /// Nobody wanted the answer any more: cancelled, or taken over.
        Dropped = "dropped",
    }

    /// A kind of tokens.
    Tokens = "kind" {
        /// Of the conversation, cached ones included.
        Input = "input",
        /// Of the conversation, from the provider's cache.
        Cached = "cached",
        /// Of the answer, reasoning included.
        Output = "output",
        /// Of the answer, reasoning.
        Reasoning = "reasoning",
    }

    /// How a call of a tool ended.
    ToolOutcome = "outcome" {
        /// With a result.
        Ok = "ok",
        /// There is no such tool.
        UnknownTool = "unknown_tool",
        /// The arguments did not fit.
        InvalidArguments = "invalid_arguments",
        /// A person must approve it, and nobody has.
        NeedsApproval = "needs_approval",
        /// The tool failed.
        Failed = "failed",
        /// It took too long.
        TimedOut = "timed_out",
        /// It panicked.
        Panicked = "panicked",
    }

    /// The outcome of a webhook's event or try.
    Webhook = "outcome" {
        /// The receiver took the event.
        Delivered = "delivered",
        /// A try failed.
        FailedTry = "failed_try",
        /// The event was given up.
        GivenUp = "given_up",
    }

    /// The rank of a wake-up.
    Rank = "rank" {
        /// Somebody waits for it.
        High = "high",
        /// As usual.
        Normal = "normal",
        /// It can wait.
        Low = "low",
    }
}

impl Label for ErrorCode {
    const NAME: &'static str = "code";
    const VALUES: &'static [&'static str] = &Self::LABELS;

    fn index(self) -> usize {
        let other = Self::LABELS.len() - 1;
        Self::LABELS.iter().position(|label| *label == self.label()).unwrap_or(other)
    }
}

/// Why the gateway closed a connection: the close code. Those of other protocols share a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Close(Option<CloseCode>);

impl Close {
    /// The label of a close code.
    #[must_use]
    pub fn of(code: u16) -> Self {
        Self(CloseCode::of(code))
    }
}

impl Label for Close {
    const NAME: &'static str = "code";
    const VALUES: &'static [&'static str] = &CloseCode::LABELS;

    fn index(self) -> usize {
        let other = CloseCode::ALL.len();
        self.0.and_then(|code| CloseCode::ALL.into_iter().position(|one| one == code)).unwrap_or(other)
    }
}
