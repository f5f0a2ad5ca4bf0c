"""Spans and metrics, as OpenTelemetry's own SDK receives them.

Names, units and buckets are those of the semantic conventions for messaging (docs/messaging/messaging-spans.md and
messaging-metrics.md of open-telemetry/semantic-conventions).
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from sqlalchemy import create_engine

from broadcastkit import AnonymousEvent, AsyncBroadcaster, Broadcaster
from broadcastkit.core.message import TracedMessage, traced
from broadcastkit.delivery import Background
from broadcastkit.delivery.envelope import Envelope
from broadcastkit.delivery.outbox import Outbox, Relay
from broadcastkit.delivery.outbox.sqlalchemy import outbox_table
from broadcastkit.delivery.queues.work import Worker
from broadcastkit.delivery.watched import Watched
from broadcastkit.drivers.memory import MemoryDriver
from broadcastkit.drivers.pusher import PusherDriver
from broadcastkit.errors import BadRequestError
from broadcastkit.observability.opentelemetry import BroadcastkitInstrumentor, OpenTelemetryHooks
from tests.broadcaster.orders import ping, send, send_many
from tests.broadcaster.stand_ins import Told, refused
from tests.delivery.held import AsyncHeld, Held, message
from tests.observability.recording import share_a_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.sdk.trace import ReadableSpan

    from tests.broadcaster.stand_ins import Both

    Make = Callable[..., Both]

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
# The example of W3C Trace Context.
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


class Telemetry:
    """An SDK that keeps what it is sent."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.reader = InMemoryMetricReader()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.meters = MeterProvider([self.reader], shutdown_on_exit=False)
        self.tracer = self.tracers.get_tracer("tests")

    def hooks(self, **options: Any) -> OpenTelemetryHooks:
        return OpenTelemetryHooks(self.tracers, self.meters, **options)

    def spans(self, name: str | None = None) -> list[ReadableSpan]:
        return [one for one in self.exporter.get_finished_spans() if name is None or one.name == name]

    def sends(self) -> list[ReadableSpan]:
        return [one for one in self.exporter.get_finished_spans() if one.kind is SpanKind.PRODUCER]

    def metrics(self) -> dict[str, Any]:
        data: Any = self.reader.get_metrics_data()
        return {
            metric.name: metric
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def points(self, name: str) -> dict[str | None, Any]:
        """Return the points of a metric by the error or the reason that they are about."""
        return {
            point.attributes.get("error.type", point.attributes.get("broadcastkit.drop.reason")): point
            for point in self.metrics()[name].data.data_points
        }


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    telemetry = Telemetry()
    yield telemetry
    telemetry.tracers.shutdown()
    telemetry.meters.shutdown()


# -- spans -------------------------------------------------------------------------------------------------------------


def test_a_flight_is_a_span_by_the_conventions(telemetry: Telemetry, make: Make) -> None:
    both = make({"main": Told()}, hooks=telemetry.hooks())
    both.run(both.broadcaster.broadcast(AnonymousEvent("order.shipped", on=["a", "private-user.3"])).to_everyone())

    (span,) = telemetry.spans()
    assert (span.name, span.kind) == ("send order.shipped", SpanKind.PRODUCER)
    assert dict(span.attributes or {}) == {
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.system": "synctold" if both.colour == "sync" else "told",
        "broadcastkit.connection": "main",
        "broadcastkit.events": ("order.shipped",),
        "broadcastkit.channel.count": 2,
    }
    assert span.status.status_code is StatusCode.UNSET
    assert span.instrumentation_scope is not None
    assert span.instrumentation_scope.name == "broadcastkit"


def test_a_batch_says_how_many_messages_it_has(telemetry: Telemetry, make: Make) -> None:
    both = make(Told(), hooks=telemetry.hooks())
    send_many(both, ping("a"), ping("b"), ping("a"))

    (span,) = telemetry.spans()
    assert span.name == "send"
    assert span.attributes is not None
    assert span.attributes["messaging.batch.message_count"] == 3
    assert span.attributes["broadcastkit.events"] == ("a", "b")


def test_a_service_that_is_not_there_is_an_error_of_the_span_and_its_address_an_attribute(
    telemetry: Telemetry,
) -> None:
    driver = PusherDriver(app_id="1", key="app-key", secret="app-secret", host="127.0.0.1", port=1, scheme="http")
    broadcaster = Broadcaster(driver, hooks=telemetry.hooks(), on_error="report")
    broadcaster.broadcast(AnonymousEvent("ping", {"text": "CANARY"}, on="news")).to_everyone()

    (span,) = telemetry.spans()
    assert span.attributes is not None
    assert span.attributes["error.type"] == "ConnectError"
    assert (span.attributes["server.address"], span.attributes["server.port"]) == ("127.0.0.1", 1)
    assert span.attributes["messaging.system"] == "pusher"
    assert span.status.status_code is StatusCode.ERROR
    written = span.to_json()
    assert "CANARY" not in written
    assert "app-secret" not in written
    assert "auth_signature" not in written


def test_what_happens_inside_a_send_is_its_child(telemetry: Telemetry, make: Make) -> None:
    """As the spans are that an instrumented HTTP client makes."""

    class Instrumented(Told):
        def perform(self, messages: Any) -> Any:
            with telemetry.tracer.start_as_current_span("POST"):
                return super().perform(messages)

    both = make(Instrumented(), hooks=telemetry.hooks())
    send(both, ping("a"))

    (inner,), (outer,) = telemetry.spans("POST"), telemetry.sends()
    assert inner.parent is not None
    assert outer.context is not None
    assert inner.parent.span_id == outer.context.span_id


def test_a_broadcast_belongs_to_the_span_of_its_caller(telemetry: Telemetry, make: Make) -> None:
    both = make(Told(), hooks=telemetry.hooks())
    with telemetry.tracer.start_as_current_span("request") as request:
        send(both, ping("a"))

    (span,) = telemetry.sends()
    assert span.parent is not None
    assert span.parent.span_id == request.get_span_context().span_id
    assert not span.links


# -- whose child, by whichever delivery --------------------------------------------------------------------------------


def test_what_threads_send_in_the_background_belongs_to_its_caller(telemetry: Telemetry) -> None:
    driver = Held(released=True)
    broadcaster = Broadcaster(driver, delivery=Background(), hooks=telemetry.hooks())
    callers: list[int] = []
    for name in ("a", "b"):
        with telemetry.tracer.start_as_current_span("request") as request:
            callers.append(request.get_span_context().trace_id)
            broadcaster.broadcast(ping(name)).to_everyone()
        driver.wait_for(len(callers))
    broadcaster.close()

    assert [span.context.trace_id for span in telemetry.sends() if span.context] == callers


async def test_what_tasks_send_in_the_background_belongs_to_its_caller_and_not_to_the_first(
    telemetry: Telemetry,
) -> None:
    """A task has the context of whoever has started it."""
    driver = AsyncHeld(released=True)
    callers: list[int] = []
    async with AsyncBroadcaster(driver, delivery=Background(), hooks=telemetry.hooks()) as broadcaster:
        for name in ("a", "b", "c"):
            with telemetry.tracer.start_as_current_span("request") as request:
                callers.append(request.get_span_context().trace_id)
                await broadcaster.broadcast(AnonymousEvent(name, on="news")).to_everyone()
            await driver.wait_for(len(callers))

    assert [span.context.trace_id for span in telemetry.sends() if span.context] == callers


def test_callers_that_share_a_request_are_linked(telemetry: Telemetry) -> None:
    driver = Held()
    broadcaster = Broadcaster(driver, hooks=telemetry.hooks())
    callers: dict[str, int] = {}

    def call(name: str) -> None:
        with telemetry.tracer.start_as_current_span("request") as request:
            callers[name] = request.get_span_context().span_id
            broadcaster.broadcast(AnonymousEvent(name, on="news")).to_everyone()

    share_a_request(broadcaster, driver, call)

    alone, shared = telemetry.sends()
    assert alone.parent is not None
    assert alone.parent.span_id == callers["a"]
    assert shared.parent is None
    assert {link.context.span_id for link in shared.links} == {callers["b"], callers["c"]}


def test_a_queues_worker_goes_on_with_the_trace_of_the_caller(telemetry: Telemetry) -> None:
    broadcaster = Broadcaster({"main": Held(released=True)}, hooks=telemetry.hooks())
    written = Envelope("main", traced(message("a"), {"traceparent": TRACEPARENT}), "1").to_json()
    with telemetry.tracer.start_as_current_span("a task of the queue"):
        Worker(lambda: broadcaster, None).send(written, 1)

    (span,) = telemetry.sends()
    assert span.context is not None
    assert span.parent is not None
    assert f"{span.context.trace_id:032x}" == TRACE
    assert f"{span.parent.span_id:016x}" == "00f067aa0ba902b7"


def test_a_relay_links_to_the_callers_of_what_it_sends_together(telemetry: Telemetry, tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'outbox.db'}")
    outbox_table().create(engine)
    writer = Broadcaster(MemoryDriver(), delivery=Outbox(engine), hooks=telemetry.hooks())
    callers: list[int] = []
    for name in ("a", "b"):
        with telemetry.tracer.start_as_current_span("request") as request:
            callers.append(request.get_span_context().span_id)
            writer.broadcast(ping(name)).to_everyone()
    Relay(engine, Broadcaster(Held(released=True), hooks=telemetry.hooks())).run_once()
    engine.dispose()

    (span,) = telemetry.sends()
    assert span.parent is None
    assert [link.context.span_id for link in span.links] == callers


def test_an_envelope_brings_its_trace_along_and_only_texts_of_it() -> None:
    envelope = Envelope("main", traced(message("a"), {"traceparent": TRACEPARENT}), "1")
    read = Envelope.from_json(envelope.to_json()).message
    tampered = Envelope.from_json(envelope.to_json().replace(f'"{TRACEPARENT}"', "[1]")).message

    assert isinstance(read, TracedMessage)
    assert read.trace == {"traceparent": TRACEPARENT}
    assert isinstance(tampered, TracedMessage)
    assert tampered.trace == {}
    assert "trace" not in Envelope("main", traced(message("a"), {}), "1").to_json()


def test_a_message_keeps_its_trace_and_its_watch_when_it_is_cut() -> None:
    settled: list[None] = []
    watched = traced(Watched.of(message("a", "x", "y"), lambda: settled.append(None)), {"traceparent": TRACEPARENT})
    cut = watched._replace(channels=("y",))

    assert cut.trace == {"traceparent": TRACEPARENT}
    assert isinstance(cut, Watched)
    assert cut.on_settled is not None


def test_broadcast_outside_of_any_trace_begins_one(telemetry: Telemetry, make: Make) -> None:
    both = make(Told(), hooks=telemetry.hooks())
    send(both, ping("a"))

    (span,) = telemetry.sends()
    assert span.parent is None
    assert not span.links


# -- metrics -----------------------------------------------------------------------------------------------------------


def test_messages_and_durations_are_measured_by_the_conventions(telemetry: Telemetry, make: Make) -> None:
    both = make(Told(refused(BadRequestError("no", status=400), "b")), hooks=telemetry.hooks(), on_error="report")
    send_many(both, ping("a"), ping("b"), ping("c"))
    send(both, ping("d"))

    metrics = telemetry.metrics()
    duration, sent = metrics["messaging.client.operation.duration"], metrics["messaging.client.sent.messages"]
    assert (duration.unit, sent.unit) == ("s", "{message}")
    by_error = {point.attributes.get("error.type"): point.value for point in sent.data.data_points}
    assert by_error == {None: 3, "BadRequestError": 1}
    (failed, fine) = sorted(duration.data.data_points, key=lambda point: "error.type" not in point.attributes)
    assert (failed.count, fine.count) == (1, 1)
    buckets = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
    assert fine.explicit_bounds == buckets
    assert set(fine.attributes) == {
        "messaging.operation.name",
        "messaging.operation.type",
        "messaging.system",
        "broadcastkit.connection",
    }


def test_what_will_not_arrive_is_counted_by_its_reason(telemetry: Telemetry) -> None:
    driver = Held(released=True)
    driver.outcomes["bad"] = BadRequestError("no", status=400)
    broadcaster = Broadcaster(driver, delivery=Background(), hooks=telemetry.hooks())
    broadcaster.broadcast(ping("bad")).to_everyone()
    broadcaster.close()

    (point,) = telemetry.metrics()["broadcastkit.dropped.messages"].data.data_points
    assert (point.value, dict(point.attributes)) == (
        1,
        {"broadcastkit.drop.reason": "failed", "broadcastkit.connection": "default"},
    )


def test_what_waits_in_a_queue_is_a_gauge(telemetry: Telemetry) -> None:
    background, driver = Background(), Held()
    broadcaster = Broadcaster(driver, delivery=background, hooks=telemetry.hooks(queue=background))
    for name in ("a", "b", "c"):
        broadcaster.broadcast(ping(name)).to_everyone()
    (point,) = telemetry.metrics()["broadcastkit.queue.messages"].data.data_points
    driver.release(3)
    broadcaster.close()

    assert point.value == 3


# -- nobody there ------------------------------------------------------------------------------------------------------


def test_with_the_api_alone_nothing_happens() -> None:
    program = """
from broadcastkit import AnonymousEvent, Broadcaster
from broadcastkit.drivers.memory import MemoryDriver
from broadcastkit.observability.opentelemetry import BroadcastkitInstrumentor, OpenTelemetryHooks
driver = MemoryDriver()
Broadcaster(driver, hooks=OpenTelemetryHooks()).broadcast(AnonymousEvent("ping", on="news")).to_everyone()
print(len(driver.messages))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("1\n", "")


@pytest.mark.parametrize(
    ("disabled", "driver"),
    [("", "Observed(<broadcastkit.drivers.null.NullDriver"), ("broadcastkit", "<broadcastkit.drivers.null.NullDriver")],
)
def test_opentelemetry_instrument_finds_the_hooks_by_itself(disabled: str, driver: str) -> None:
    program = """
from broadcastkit import Broadcaster
from broadcastkit.drivers.null import NullDriver
print(Broadcaster(NullDriver()).driver())
"""
    done = subprocess.run(
        [Path(sys.executable).parent / "opentelemetry-instrument", sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": disabled},
    )
    assert done.stdout.startswith(driver), done.stderr


def test_the_instrumentor_takes_providers_and_can_be_ended(telemetry: Telemetry) -> None:
    instrumentor = BroadcastkitInstrumentor()
    instrumentor.instrument(tracer_provider=telemetry.tracers, meter_provider=telemetry.meters)
    try:
        Broadcaster(MemoryDriver()).broadcast(ping("a")).to_everyone()
    finally:
        instrumentor.uninstrument()
    Broadcaster(MemoryDriver()).broadcast(ping("b")).to_everyone()

    assert [span.name for span in telemetry.sends()] == ["send a"]
