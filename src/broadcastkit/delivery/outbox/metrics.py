"""What a relay says of itself, and the same in the text format of Prometheus, which needs no package to write."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["RelayStatistics", "exposition"]

_METRICS = (
    ("waiting", "gauge", "Events that wait to be delivered."),
    ("dead", "gauge", "Events that were given up, and are kept."),
    ("oldest_seconds", "gauge", "Age of the event that has waited longest."),
    ("lag_seconds", "gauge", "Age of the last event delivered by this relay, when it was."),
    ("delivered_total", "counter", "Events delivered by this relay."),
    ("retried_total", "counter", "Attempts of this relay that failed, and are made again."),
    ("died_total", "counter", "Events given up by this relay."),
)


@dataclass(frozen=True, slots=True)
class RelayStatistics:
    """What waits in the table, and what this relay has done so far."""

    waiting: int = 0
    dead: int = 0
    oldest: float = 0.0
    """The age of the event that has waited longest, in seconds; 0 if none waits."""
    delivered: int = 0
    retried: int = 0
    """Attempts that failed, and are made again."""
    died: int = 0
    """Events given up: dead letters."""
    lag: float = 0.0
    """The age of the last event delivered, in seconds, when it was."""


def exposition(statistics: RelayStatistics) -> str:
    """Return what an endpoint for Prometheus answers, as `text/plain; version=0.0.4`."""
    lines: list[str] = []
    for name, kind, words in _METRICS:
        metric = f"broadcastkit_relay_{name}"
        value = getattr(statistics, name.removesuffix("_total").removesuffix("_seconds"))
        lines += [f"# HELP {metric} {words}", f"# TYPE {metric} {kind}", f"{metric} {value}"]
    return "\n".join([*lines, ""])
