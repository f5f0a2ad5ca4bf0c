"""Prometheus: hooks that count. A relay serves its figures by itself: `broadcastkit relay --metrics-port`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from broadcastkit.errors import MissingDependencyError
from broadcastkit.observability.hooks import Drop, HasStatistics, Hooks, Sending

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

__all__ = ["PrometheusHooks"]


class PrometheusHooks(Hooks):
    """Counts what is sent, for whatever serves the metrics of your process with `prometheus_client`.

    Make one for each `registry`, and give it to every broadcaster. `queue` is a `Background`, whose waiting messages
    are a gauge then.
    """

    def __init__(self, registry: CollectorRegistry | None = None, *, queue: HasStatistics | None = None) -> None:
        try:
            from prometheus_client import REGISTRY, Counter, Gauge, Histogram
        except ImportError:
            raise MissingDependencyError("prometheus_client", "prometheus", "PrometheusHooks") from None
        where: dict[str, Any] = {"registry": REGISTRY if registry is None else registry}
        self._seconds = Histogram(
            "broadcastkit_send_seconds", "Time that sending took, retries included.", ["connection"], **where
        )
        self._sent = Counter("broadcastkit_sent_messages", "Messages sent.", ["connection"], **where)
        self._failed = Counter(
            "broadcastkit_failed_messages", "Messages that failed, at each try.", ["connection", "error"], **where
        )
        self._dropped = Counter(
            "broadcastkit_dropped_messages", "Messages that will not arrive.", ["connection", "reason"], **where
        )
        if queue is not None:
            waiting = Gauge("broadcastkit_waiting_messages", "Messages that are queued, or on their way.", **where)
            waiting.set_function(lambda: queue.statistics().waiting)

    def on_sent(self, sending: Sending) -> None:
        """Count."""
        self._seconds.labels(sending.connection).observe(sending.seconds)
        self._sent.labels(sending.connection).inc(sending.messages)

    def on_failed(self, sending: Sending, error: Exception) -> None:
        """Count."""
        self._seconds.labels(sending.connection).observe(sending.seconds)
        self._failed.labels(sending.connection, type(error).__name__).inc(sending.messages)

    def on_dropped(self, drop: Drop) -> None:
        """Count."""
        self._dropped.labels(drop.connection or "", drop.reason).inc(drop.messages)
