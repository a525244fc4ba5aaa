"""Every limit of the bus, with its unit in its name."""

REMOTE_EVENTS = 10_000
"""Events of other processes that wait for handlers. Then the bus stops reading the log."""

OWN_EVENTS = 10_000
"""Own events that were acknowledged and have not come back from the log. Then `publish` waits."""

RECENT_IDS = 10_000
"""Ids of delivered events that are remembered, so that a repeated publish runs no handler twice."""

PUBLISH_TIMEOUT_S = 30.0
"""Default of `publish_timeout`, in seconds."""

PUBLISH_TIMEOUT_MAX_S = 100.0
"""Longest `publish_timeout`, in seconds: NATS recognises repeats for `nats.duplicate_window_s`, 120 s by default."""

OWN_UNSEEN_S = 600.0
"""Time after which an own event with an id of the caller's is forgotten, in seconds: it may have been in the log before."""

HISTORY_EVENTS = 10_000
"""Events of one call of `history`."""
