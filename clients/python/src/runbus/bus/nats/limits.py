"""Limits of the transport, with their units in their names."""

PAGE_FRAMES = 500
"""Frames of one read."""

PAGE_BYTES = 1024 * 1024
"""Bytes of one read."""

LIVE_MESSAGES = 8192
"""Messages of the live feed that wait. More are dropped and read from the log."""

LIVE_BYTES = 16 * 1024 * 1024
"""Bytes of them."""

SENT_BYTES = 16 * 1024 * 1024
"""Bytes of own events that are kept until they come back. More are recognised by their ids, which costs a decoding."""

WRITE_BYTES = 2 * 1024 * 1024
"""Bytes that wait for the socket. Then a publisher waits too."""

REQUEST_S = 2.0
"""Time to wait for one answer, in seconds."""

RECONNECT_S = 0.2
"""Pause between two tries to connect again, in seconds."""

RETRY_MIN_S = 0.02
RETRY_MAX_S = 0.5
"""Pauses between tries, in seconds."""

PROBES_S = (0.2, 1.0, 3.0, 8.0, 15.0)
"""Pauses between looks into the log that no live message asks for, in seconds. The last one is repeated."""

STALE_READS = 8
"""Reads without an announced message before the bounds of the log are looked at."""

SHARDS = 256
"""Shards over all generations."""
