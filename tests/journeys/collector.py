"""A stub of everything outside, on loopback: an OTLP collector, a warehouse, a courier and a shop that say yes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

YES = {
    "/wms": b"<response><flag>success</flag><code>0</code><message></message></response>",
    "/courier": b'{"EBusinessID": "1237100", "Success": true, "ResultCode": "100", "Reason": ""}',
    "/shop": b"{}",
}


@dataclass(frozen=True)
class Seen:
    """One span as the collector got it; ids in hex, `began` in ns since the epoch, `took` in ns."""

    name: str
    trace: str
    id: str
    parent: str
    service: str
    about: dict[str, Any]
    began: int
    took: int


@dataclass
class Outside:
    """Where it listens and the spans that came."""

    url: str = ""
    spans: list[Seen] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    def take(self, body: bytes) -> None:
        """Read one export."""
        self.raw.append(body)
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = next(one.value.string_value for one in group.resource.attributes if one.key == "service.name")
            for scope in group.scope_spans:
                for span in scope.spans:
                    about = {one.key: one.value.string_value or one.value.int_value for one in span.attributes}
                    ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
                    times = (span.start_time_unix_nano, span.end_time_unix_nano - span.start_time_unix_nano)
                    self.spans.append(Seen(span.name, *ids, service, about, *times))

    def story(self, trace: str) -> str:
        """Write one trace down as a tree: ms since its first span, ms it took, process, name."""
        spans = sorted((span for span in self.spans if span.trace == trace), key=lambda span: span.began)
        known = {span.id for span in spans}
        lines: list[str] = []

        def tell(parent: str, depth: int) -> None:
            for span in spans:
                if (span.parent if span.parent in known else "") == parent:
                    at, took = (span.began - spans[0].began) / 1e6, span.took / 1e6
                    process = span.service.removeprefix("steadfast-")
                    lines.append(f"{at:8.1f} {took:7.1f}  {process:8}{'  ' * depth}{span.name}")
                    tell(span.id, depth + 1)

        tell("", 0)
        return "\n".join(["   at ms      ms  process", *lines, ""])


@contextmanager
def outside() -> Iterator[Outside]:
    """Listen on a free port of this machine."""
    world = Outside()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.path == "/v1/traces":
                world.take(body)
            answer = YES.get(self.path.split("?")[0], b"")
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        world.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield world
        server.shutdown()
        thread.join()
