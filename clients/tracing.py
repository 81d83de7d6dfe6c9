"""Traces: off unless OMS_OTLP_ENDPOINT names a collector. Owns starting and ending them.

Spans are opened where work is done. Sampling and the collector's headers are OpenTelemetry's own settings
(OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_HEADERS). No span carries an event: the text of an exception may hold what does
not belong into a trace (SEC-1).
"""

from collections.abc import Callable

from temporalio.client import Plugin

from clients.settings import TracingSettings


class Tracing:
    """Tracing of one process; `plugins` go to Temporal's client."""

    def __init__(self, service: str, settings: TracingSettings | None = None) -> None:
        """Begin, when a collector is named. The libraries are read only then: off costs nothing."""
        self.plugins: list[Plugin] = []
        endpoint = (settings or TracingSettings()).otlp_endpoint.rstrip("/")
        self._end = _begin(service, endpoint, self.plugins) if endpoint else None

    def end(self) -> None:
        """Send what is still here; a collector that is away costs a few seconds and nothing else."""
        if self._end is not None:
            self._end()


def _begin(service: str, endpoint: str, plugins: list[Plugin]) -> Callable[[], None]:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanLimits
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import set_tracer_provider
    from temporalio.contrib.opentelemetry import OpenTelemetryPlugin, create_tracer_provider

    provider = create_tracer_provider(
        resource=Resource.create({"service.name": f"steadfast-{service}"}), span_limits=SpanLimits(max_events=0)
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")))
    set_tracer_provider(provider)
    plugins.append(OpenTelemetryPlugin(add_temporal_spans=True))
    return provider.shutdown
