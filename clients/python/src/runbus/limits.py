"""Every limit of the client, with its unit in its name."""

ID_BYTES = 128
"""Longest id of a stream, node, execution, session or correlation, in bytes of UTF-8."""

EVENT_BYTES = 256 * 1024
"""Largest event, as its line of JSON, in bytes."""

EVENT_DEPTH = 120
"""Deepest nesting of an event."""

KNOWN_TOKENS = 1024
"""Ids whose subject tokens and hashes are remembered, because computing them costs more than the rest of a subject."""

PUBLISH_EVENTS = 1000
"""Events of one request to publish."""

PUBLISH_BYTES = 512 * 1024
"""Largest body of a request, in bytes."""

MESSAGE_BYTES = 16 * 1024 * 1024
"""Largest message that the client takes from a gateway, in bytes. A snapshot is smaller than 4 MiB."""

ANSWER_BYTES = 32 * 1024 * 1024
"""Largest answer that the client takes, in bytes. A page of history has 4 MiB of events, or one larger event."""

SOCKET_MESSAGES = 16
"""Messages of one connection that wait for their consumer. Then the client stops reading the socket."""

GATEWAYS = 64
"""Addresses of one client."""

REMEMBERED_ITEMS = 1024
"""Items of one subscription that are remembered to recognise duplicates after a reconnect."""

HANDSHAKE_S = 10.0
"""Longest time for a connection and its handshake, in seconds."""

REQUEST_S = 40.0
"""Longest time for one try of a request, in seconds. A gateway asks the log for up to 30 s."""

LONG_POLL_MS = 60_000
"""Longest time that a request may wait for events, in milliseconds."""

ALIVE_S = 20.0
"""Time between two signs of life of a connection, in seconds."""

PONG_S = 10.0
"""Time that a gateway has to answer a ping while the client waits for messages, in seconds."""

BACKOFF_MIN_S = 0.1
"""Upper bound of the first pause before another try, in seconds."""

BACKOFF_MAX_S = 10.0
"""Upper bound of every pause before another try, in seconds."""

RETRY_AFTER_MAX_S = 60.0
"""Longest pause that a gateway's `Retry-After` can ask for, in seconds."""

REFRESH_MIN_S = 1.0
"""Shortest time before a credential is refreshed, in seconds."""
