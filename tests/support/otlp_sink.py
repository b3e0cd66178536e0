"""An OTLP backend in few lines, over real HTTP on loopback: keeps every request, answers as it is scripted to."""

from __future__ import annotations

import gzip
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

_MESSAGES = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: bytes
    """As it was before compression."""
    status: int
    """What was answered."""

    @property
    def message(self) -> Any:
        return _MESSAGES[self.path].FromString(self.body)

    @property
    def spans(self) -> list[Span]:
        if self.path != "/v1/traces":
            return []
        return [span for r in self.message.resource_spans for s in r.scope_spans for span in s.spans]


@dataclass
class OtlpSink:
    """`status` is answered to every request from now on; `delay` is how long each answer takes."""

    status: int = 200
    delay: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    port: int = 0
    prefix: str = ""
    """Of the path, cut off before it is recorded; what lacks it is answered with 404."""
    requests: list[Request] = field(default_factory=list)
    arrivals: int = 0
    """Requests that have come in, those that wait for their answer included."""

    def __enter__(self) -> OtlpSink:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def accepted(self, path: str = "/v1/traces") -> list[Request]:
        return [request for request in list(self.requests) if request.status == 200 and request.path == path]

    @property
    def spans(self) -> list[Span]:
        """All spans that were answered with 200, in order of arrival; repeats included."""
        return [span for request in self.accepted() for span in request.spans]

    @property
    def seen(self) -> Counter[bytes]:
        """How often each span arrived, by its id."""
        return Counter(span.span_id for span in self.spans)

    @property
    def raw(self) -> bytes:
        """Every byte that came in, headers included."""
        return b"\n".join(repr(request.headers).encode() + request.body for request in list(self.requests))


def attributes(span: Span) -> dict[str, Any]:
    """A span's attributes; values that are structures as their protobuf message."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value") or "string_value") for one in span.attributes}


def _handler(sink: OtlpSink) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            sink.arrivals += 1
            status = sink.status if self.path.startswith(sink.prefix) else 404
            time.sleep(sink.delay)
            sink.requests.append(
                Request(
                    self.path.removeprefix(sink.prefix), {k.lower(): v for k, v in self.headers.items()}, body, status
                )
            )
            self.send_response(status)
            for name, value in sink.headers.items():
                self.send_header(name, value)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    return Handler
