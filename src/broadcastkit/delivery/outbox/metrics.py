"""What a relay's statistics are in the text format of Prometheus, which needs no package to write."""

from __future__ import annotations

from broadcastkit.delivery.outbox.relay import RelayStatistics

__all__ = ["exposition"]

_METRICS = (
    ("waiting", "gauge", "Events that wait to be delivered."),
    ("dead", "gauge", "Events that were given up, and are kept."),
    ("oldest_seconds", "gauge", "Age of the event that has waited longest."),
    ("lag_seconds", "gauge", "Age of the last event delivered by this relay, when it was."),
    ("delivered_total", "counter", "Events delivered by this relay."),
    ("retried_total", "counter", "Attempts of this relay that failed, and are made again."),
    ("died_total", "counter", "Events given up by this relay."),
)


def exposition(statistics: RelayStatistics) -> str:
    """Return what an endpoint for Prometheus answers, as `text/plain; version=0.0.4`."""
    lines: list[str] = []
    for name, kind, words in _METRICS:
        metric = f"broadcastkit_relay_{name}"
        value = getattr(statistics, name.removesuffix("_total").removesuffix("_seconds"))
        lines += [f"# HELP {metric} {words}", f"# TYPE {metric} {kind}", f"{metric} {value}"]
    return "\n".join([*lines, ""])
