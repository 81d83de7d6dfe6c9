"""Which trace a row belongs to: the W3C context of the span that is open while the row is written.

What goes on later continues it: apply, deliver, a drain, in whatever process. Without tracing it is empty.
"""

from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_W3C = TraceContextTextMapPropagator()


def trace_now() -> str:
    """Give the `traceparent` of the open span, empty when there is none."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier)
    return carrier.get("traceparent", "")
