"""Spans of what is taken up later: they continue the trace that is stored with the row. Costs nothing when off.

Names and attributes carry ids only, and of a failure the kind only: a trace leaves this house (SEC-1).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opentelemetry import context as current
from opentelemetry.context import Context
from opentelemetry.trace import StatusCode, get_tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from domain.errors import OmsError

TRACER = "steadfast"
_W3C = TraceContextTextMapPropagator()


@contextmanager
def step(name: str, trace: str, **about: str) -> Iterator[None]:
    """Open a span that continues a stored trace, or begins one; `about` are ids, given as `oms.NAME`."""
    origin = _origin(trace)
    attributes = {f"oms.{key}": value for key, value in about.items()}
    with get_tracer(TRACER).start_as_current_span(
        name, origin, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield
        except OmsError as error:
            span.set_status(StatusCode.ERROR, type(error).__name__)
            raise


@contextmanager
def side_by_side(steps: Sequence[tuple[str, str, str]]) -> Iterator[None]:
    """Open one span for each step of a batch that is done at once: its name, its stored trace, its subject.

    None of them is the open one: what is written for a step says itself which trace it belongs to.
    """
    tracer = get_tracer(TRACER)
    spans = [
        tracer.start_span(name, _origin(trace), attributes={"oms.subject": subject}) for name, trace, subject in steps
    ]
    try:
        yield
    except OmsError as error:
        for span in spans:
            span.set_status(StatusCode.ERROR, type(error).__name__)
        raise
    finally:
        for span in spans:
            span.end()


def _origin(trace: str) -> Context:
    return _W3C.extract({"traceparent": trace}, Context()) if trace else Context()


@contextmanager
def apart() -> Iterator[None]:
    """Write rows that belong to no trace yet: each order of a page begins its own."""
    token = current.attach(Context())
    try:
        yield
    finally:
        current.detach(token)
