"""What Prometheus is told: connections, events, messages, errors and times. Nothing of anybody's messages."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

__all__ = ["Metrics"]


class Metrics:
    def __init__(self) -> None:
        self.registry = here = CollectorRegistry()
        self.connections = Gauge("chat_connections", "Sockets connected to this process.", registry=here)
        self.connected = Counter("chat_connected", "Sockets that connected.", registry=here)
        self.refused = Counter("chat_refused_connections", "Sockets that were not let in.", ["status"], registry=here)
        self.disconnected = Counter("chat_disconnected", "Sockets that left.", ["reason"], registry=here)
        self.seconds = Histogram("chat_event_seconds", "Time that a client's event took.", ["event"], registry=here)
        self.errors = Counter(
            "chat_errors", "Events and requests refused or failed.", ["what", "status"], registry=here
        )
        self.messages = Counter("chat_messages", "Messages stored.", ["type"], registry=here)
        self.read = Counter("chat_messages_read", "Messages that were read.", registry=here)
