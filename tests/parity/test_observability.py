"""What none of the SDKs has: metrics and tracing."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry

from broadcastkit import AnonymousEvent, Broadcaster
from broadcastkit.observability import Hooks, Sending
from broadcastkit.observability.opentelemetry import OpenTelemetryHooks
from broadcastkit.observability.prometheus import PrometheusHooks
from tests.parity.tools import Service


def test_metrics_and_tracing(service: Service) -> None:
    """A hook of one's own, a span and a counter, of one request to a service of Pusher's protocol."""
    told: list[Sending] = []

    class Told(Hooks):
        def on_sent(self, sending: Sending) -> None:
            told.append(sending)

    exporter, registry, tracers = InMemorySpanExporter(), CollectorRegistry(), TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    broadcaster = Broadcaster(
        {"main": service.driver}, hooks=[Told(), OpenTelemetryHooks(tracers), PrometheusHooks(registry)]
    )
    broadcaster.broadcast(AnonymousEvent("order.shipped", {"id": 7}, on=["orders.1", "orders.2"])).to_everyone()

    assert len(service.requests) == 1
    assert [(sending.events, sending.channels, sending.system) for sending in told] == [
        (("order.shipped",), 2, "pusher")
    ]
    (span,) = exporter.get_finished_spans()
    attributes: Any = span.attributes
    assert (span.name, attributes["server.address"]) == ("send order.shipped", "api-mt1.pusher.com")
    assert registry.get_sample_value("broadcastkit_sent_messages_total", {"connection": "main"}) == 1
    tracers.shutdown()
