"""An MLflow server in few lines, over real HTTP on loopback: it records requests and answers as it is scripted to."""

from __future__ import annotations

import gzip
import json
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    query: dict[str, str]
    body: bytes

    @property
    def spans(self) -> list[Span]:
        data = gzip.decompress(self.body) if self.headers.get("content-encoding") == "gzip" else self.body
        message = ExportTraceServiceRequest.FromString(data)
        return [span for r in message.resource_spans for s in r.scope_spans for span in s.spans]


@dataclass
class Answer:
    status: int = 200
    body: str = ""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


def error(status: int, code: str, message: str = "because") -> Answer:
    return Answer(status, json.dumps({"error_code": code, "message": message}))


class FakeMlflow:
    """``on_request`` may answer in place of the default; returning None leaves it to the default."""

    def __init__(self, *, port: int = 0, certificate: str | None = None) -> None:
        self.requests: list[Request] = []
        self.stored: list[Span] = []
        self.experiments: dict[str, dict[str, str]] = {"Default": {"experiment_id": "0", "lifecycle_stage": "active"}}
        self.on_request: Callable[[Request], Answer | None] = lambda _: None
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self._scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self._scheme = "https"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def __enter__(self) -> FakeMlflow:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def uri(self) -> str:
        return f"{self._scheme}://localhost:{self.port}"

    @property
    def posts(self) -> list[Request]:
        return [request for request in self.requests if request.path.endswith("/v1/traces")]

    @property
    def stored_names(self) -> list[str]:
        return [span.name for span in self.stored]

    def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        answer = self.on_request(request)
        if answer is None:
            answer = self._default(request)
        if request.path.endswith("/v1/traces") and answer.status == 200:
            self.stored += request.spans
        return answer

    def _default(self, request: Request) -> Answer:
        if request.path.endswith("/v1/traces"):
            return Answer(content_type="application/x-protobuf")
        if request.path.endswith("/experiments/get-by-name"):
            found = self.experiments.get(request.query["experiment_name"])
            if found is None:
                return error(404, "RESOURCE_DOES_NOT_EXIST")
            return Answer(body=json.dumps({"experiment": found}))
        if request.path.endswith("/experiments/get"):
            number = request.query["experiment_id"]
            known = {found["experiment_id"]: found for found in self.experiments.values()}
            found = known.get(number, {"experiment_id": number, "lifecycle_stage": "active"})
            return Answer(body=json.dumps({"experiment": found}))
        if request.path.endswith("/experiments/create"):
            return self._create(json.loads(request.body)["name"])
        if request.path.endswith("/health"):
            return Answer(body="OK", content_type="text/plain")
        return Answer(404, "<html>no such page</html>", "text/html")

    def _create(self, name: str) -> Answer:
        if name in self.experiments:
            return error(400, "RESOURCE_ALREADY_EXISTS")
        number = str(len(self.experiments))
        self.experiments[name] = {"experiment_id": number, "lifecycle_stage": "active"}
        return Answer(body=json.dumps({"experiment_id": number}))


def _handler(fake: FakeMlflow) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def do_PATCH(self) -> None:
            self._serve()

        def log_message(self, *_: object) -> None:
            pass

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            answer = fake.answer(Request(self.command, parts.path, headers, query, body))
            data = answer.body.encode()
            self.send_response(answer.status)
            self.send_header("content-type", answer.content_type)
            self.send_header("content-length", str(len(data)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

    return Handler
