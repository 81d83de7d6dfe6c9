"""Which trace a row belongs to: the W3C context of the span that is open while the row is written.

What goes on later continues it: apply, deliver, a drain, in whatever process. Without tracing it is empty.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import context as current
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_W3C = TraceContextTextMapPropagator()


def trace_now() -> str:
    """Give the `traceparent` of the open span, empty when there is none."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier)
    return carrier.get("traceparent", "")


@contextmanager
def continues(trace: str) -> Iterator[None]:
    """Let the rows that are written meanwhile belong to a stored trace, as those of one message of a batch do."""
    if not trace:
        yield
        return
    token = current.attach(_W3C.extract({"traceparent": trace}, Context()))
    try:
        yield
    finally:
        current.detach(token)
