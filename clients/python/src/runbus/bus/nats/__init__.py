"""The bus on NATS: open frames, one core subscription, batched direct gets. No consumer is made."""

from .transport import NatsTransport

__all__ = ["NatsTransport"]
