"""OpenTelemetry: a span for each flight, and metrics, by the semantic conventions for messaging."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from broadcastkit.errors import MissingDependencyError
from broadcastkit.observability.hooks import Drop, HasStatistics, Hooks, Sending, Trace
from broadcastkit.observability.observers import observe

try:
    from opentelemetry import metrics, trace
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError:
    raise MissingDependencyError("the API of OpenTelemetry", "opentelemetry", "OpenTelemetryHooks") from None

__all__ = ["BroadcastkitInstrumentor", "OpenTelemetryHooks"]

_SCOPE = "broadcastkit"
_SCHEMA = "https://opentelemetry.io/schemas/1.36.0"
# what the conventions advise
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
_headers = TraceContextTextMapPropagator()


class _Flight:
    """A span that is open, and how its flight has failed so far."""

    def __init__(self, span: trace.Span) -> None:
        self.span = span
        self.error: str | None = None


# in the thread or task that sends, by hooks
_flights: ContextVar[Mapping[int, _Flight]] = ContextVar("broadcastkit_flights", default=MappingProxyType({}))


class OpenTelemetryHooks(Hooks):
    """Traces and measures what is sent; with the API alone, and no SDK, it does nothing.

    A flight is one span, whichever delivery sends it: a child of the span that was current when its message was
    broadcast, also from a background, a queue or an outbox, since the message brings that along. Where several callers
    share a request, the span is a trace of its own, with a link to each.

    Named after the event, not the channel: channels hold the ids of users, and are in no span and no metric. `queue` is
    a `Background` or a `Relay`, whose waiting messages are a gauge then.
    """

    def __init__(
        self,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
        *,
        queue: HasStatistics | None = None,
    ) -> None:
        self._tracer = trace.get_tracer(_SCOPE, tracer_provider=tracer_provider, schema_url=_SCHEMA)
        meter = metrics.get_meter(_SCOPE, meter_provider=meter_provider, schema_url=_SCHEMA)
        self._duration = meter.create_histogram(
            "messaging.client.operation.duration",
            unit="s",
            description="Duration of messaging operation initiated by a producer or consumer client.",
            explicit_bucket_boundaries_advisory=_BUCKETS,
        )
        self._sent = meter.create_counter(
            "messaging.client.sent.messages",
            unit="{message}",
            description="Number of messages producer attempted to send to the broker.",
        )
        self._dropped = meter.create_counter(
            "broadcastkit.dropped.messages", unit="{message}", description="Number of messages that will not arrive."
        )
        if queue is not None:
            meter.create_observable_gauge(
                "broadcastkit.queue.messages",
                [_waiting(queue)],
                unit="{message}",
                description="Number of messages that are queued, or on their way.",
            )

    @contextmanager
    def around(self, sending: Sending) -> Iterator[None]:
        """Put a span around a flight."""
        parent, links = _origin(sending.traces)
        span = self._tracer.start_span(
            _name(sending),
            parent,
            trace.SpanKind.PRODUCER,
            {**_common(sending), **_details(sending)},
            links,
        )
        flight = _Flight(span)
        token = _flights.set({**_flights.get(), id(self): flight})
        start = time.perf_counter()
        try:
            with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
                yield
        finally:
            _flights.reset(token)
            attributes = _common(sending)
            if flight.error is not None:
                attributes["error.type"] = flight.error
            self._duration.record(time.perf_counter() - start, attributes, context=trace.set_span_in_context(span))

    def on_sent(self, sending: Sending) -> None:
        """Count."""
        self._sent.add(sending.messages, _common(sending))

    def on_failed(self, sending: Sending, error: Exception) -> None:
        """Count, and let the span say so."""
        kind = type(error).__qualname__
        self._sent.add(sending.messages, {**_common(sending), "error.type": kind})
        flight = _flights.get().get(id(self))
        if flight is not None and flight.error is None:
            flight.error = kind
            flight.span.set_attribute("error.type", kind)
            flight.span.set_status(trace.StatusCode.ERROR, str(error))

    def on_dropped(self, drop: Drop) -> None:
        """Count."""
        attributes: dict[str, str] = {"broadcastkit.drop.reason": drop.reason}
        if drop.connection is not None:
            attributes["broadcastkit.connection"] = drop.connection
        self._dropped.add(drop.messages, attributes)

    def trace(self) -> Trace:
        """Return the headers of the current span; none, if there is no span."""
        headers: dict[str, str] = {}
        _headers.inject(headers)
        return headers


def _common(sending: Sending) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.system": sending.system,
        "broadcastkit.connection": sending.connection,
    }
    if sending.server is not None:
        attributes["server.address"], attributes["server.port"] = sending.server
    return attributes


def _details(sending: Sending) -> dict[str, Any]:
    details: dict[str, Any] = {
        "broadcastkit.events": tuple(dict.fromkeys(sending.events)),
        "broadcastkit.channel.count": sending.channels,
    }
    if sending.messages > 1:
        details["messaging.batch.message_count"] = sending.messages
    return details


def _name(sending: Sending) -> str:
    names = set(sending.events)
    return f"send {names.pop()}" if len(names) == 1 else "send"


def _origin(traces: Sequence[Trace | None]) -> tuple[Context | None, list[trace.Link]]:
    """Return whose child a flight is (None: of the current span), and what it is linked to."""
    if not any(one is not None for one in traces):
        return None, []  # broadcast by nobody who was asked
    # whatever is current may be another caller's by now, whose task or thread it is that sends
    callers = {one["traceparent"]: one for one in traces if one and "traceparent" in one}
    contexts = [_headers.extract(one, Context()) for one in callers.values()]
    if len(contexts) != 1:
        return Context(), [trace.Link(trace.get_current_span(one).get_span_context()) for one in contexts]
    caller, current = trace.get_current_span(contexts[0]).get_span_context(), trace.get_current_span()
    is_here = current.get_span_context().span_id == caller.span_id
    return None if is_here else contexts[0], []


def _waiting(queue: HasStatistics) -> Any:
    def observed(_: metrics.CallbackOptions) -> Iterable[metrics.Observation]:
        return [metrics.Observation(queue.statistics().waiting)]

    return observed


class BroadcastkitInstrumentor:
    """What `opentelemetry-instrument` finds, so that nothing need be written for it: hooks for the whole process."""

    def instrument(self, **providers: Any) -> None:
        """Observe every broadcaster that is made from now on and has no hooks of its own."""
        observe(OpenTelemetryHooks(providers.get("tracer_provider"), providers.get("meter_provider")))

    def uninstrument(self, **_: Any) -> None:
        """End that, for broadcasters that are made from now on."""
        observe()
