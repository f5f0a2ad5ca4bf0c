"""What Prometheus scrapes, as its own client reads and writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from broadcastkit import Broadcaster
from broadcastkit.delivery import Background
from broadcastkit.errors import BadRequestError
from broadcastkit.observability.prometheus import PrometheusHooks
from tests.broadcaster.orders import ping, send_many
from tests.broadcaster.stand_ins import Told, refused
from tests.delivery.held import Held

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client.metrics_core import Metric

    from tests.broadcaster.stand_ins import Both

    Make = Callable[..., Both]


def families(text: str) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(text)}


def test_what_is_sent_and_what_fails_is_counted(make: Make) -> None:
    registry = CollectorRegistry()
    both = make(
        {"main": Told(refused(BadRequestError("no", status=400), "b"))},
        hooks=PrometheusHooks(registry),
        on_error="report",
    )
    send_many(both, ping("a"), ping("b"), ping("c"))

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, {"connection": "main", **labels})

    assert value("broadcastkit_sent_messages_total") == 2
    assert value("broadcastkit_failed_messages_total", error="BadRequestError") == 1
    assert value("broadcastkit_send_seconds_count") == 2
    assert families(generate_latest(registry).decode()).keys() == {
        "broadcastkit_sent_messages",
        "broadcastkit_failed_messages",
        "broadcastkit_dropped_messages",
        "broadcastkit_send_seconds",
        *(f"broadcastkit_{name}_created" for name in ("sent_messages", "failed_messages", "send_seconds")),
    }


def test_what_waits_and_what_will_not_arrive_is_counted() -> None:
    registry, background, driver = CollectorRegistry(), Background(), Held()
    driver.outcomes["bad"] = BadRequestError("no", status=400)
    broadcaster = Broadcaster(driver, delivery=background, hooks=PrometheusHooks(registry, queue=background))
    broadcaster.broadcast(ping("bad")).to_everyone()
    assert registry.get_sample_value("broadcastkit_waiting_messages") == 1
    driver.release()
    broadcaster.close()

    assert registry.get_sample_value("broadcastkit_waiting_messages") == 0
    assert (
        registry.get_sample_value("broadcastkit_dropped_messages_total", {"connection": "default", "reason": "failed"})
        == 1
    )
