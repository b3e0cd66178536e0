"""Google's Generative Language service on loopback: gRPC over TLS, and REST. Needs google-generativeai, cryptography.

The certificate is made at import, before gRPC reads which authorities it trusts.
"""

from __future__ import annotations

import json
import os
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.certificates import certificate
from tests.support.telemetry import Counts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_KEY, _CERTIFICATE = certificate()
_folder = tempfile.TemporaryDirectory()
_trusted = Path(_folder.name, "certificate.pem")
_trusted.write_bytes(_CERTIFICATE)
os.environ["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"] = str(_trusted)

import google.ai.generativelanguage_v1beta as glm  # noqa: E402
import grpc  # noqa: E402
from google.protobuf import empty_pb2  # noqa: E402
from google.protobuf.json_format import MessageToDict, ParseDict  # noqa: E402

_GENERATIVE = ("GenerateContent", "StreamGenerateContent", "CountTokens", "EmbedContent", "BatchEmbedContents")
_CACHE = ("CreateCachedContent", "GetCachedContent", "UpdateCachedContent", "DeleteCachedContent")
_MESSAGES = {
    **{name: (f"{name}Request", f"{name}Response") for name in (*_GENERATIVE, "GenerateAnswer", "ListCachedContents")},
    **{name: (f"{name}Request", "CachedContent") for name in _CACHE},
    "StreamGenerateContent": ("GenerateContentRequest", "GenerateContentResponse"),
    "DeleteCachedContent": ("DeleteCachedContentRequest", "Empty"),
}
"""Of each method of the services: the names of its request and of its answer."""
_VERBS = {"POST": "Create", "GET": "Get", "PATCH": "Update", "DELETE": "Delete"}
_HTTP = {
    "INVALID_ARGUMENT": 400,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
}

HOLD = "hold"
"""Among what is answered: wait until the test is over."""


class Failure(Exception):
    """What an answer may be in place of JSON: a status of gRPC with a message."""

    def __init__(self, status: str, message: str = "scripted failure") -> None:
        super().__init__(message)
        self.status, self.message = status, message

    def json(self) -> dict[str, Any]:
        return {"error": {"code": _HTTP[self.status], "message": self.message, "status": self.status}}


class Service(grpc.GenericRpcHandler):
    """`answer(method, request)` gives the JSON of an answer, or for a stream several.

    Requests are kept as JSON, with their headers' values.

    `address` is where gRPC is, `url` where REST is.
    """

    def __init__(self, answer: Callable[[str, dict[str, Any]], Any]) -> None:
        self.answer = answer
        self.requests: list[tuple[str, dict[str, Any], list[str]]] = []
        self.released = threading.Event()
        self._usages: list[dict[str, int]] = []
        self._server = grpc.server(ThreadPoolExecutor(16), handlers=[self])
        credentials = grpc.ssl_server_credentials([(_KEY, _CERTIFICATE)])
        self.address = f"127.0.0.1:{self._server.add_secure_port('127.0.0.1:0', credentials)}"
        self._http = _Rest(self)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def reset(self) -> None:
        """Forget what was asked; let go of who waits."""
        self.released.set()
        self.released = threading.Event()
        self.requests, self._usages = [], []

    def billed(self) -> Counts:
        """The sum over requests of the last usage that was sent: all that is no prompt is output."""
        usages = [usage for usage in self._usages if "promptTokenCount" in usage]
        return Counts(
            sum(usage["promptTokenCount"] for usage in usages),
            sum(usage["totalTokenCount"] - usage["promptTokenCount"] for usage in usages),
        )

    def __enter__(self) -> Service:
        self._server.start()
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._server.stop(None)
        self._http.shutdown()
        self._http.server_close()

    def take(self, name: str, body: dict[str, Any], headers: list[str]) -> Any:
        """Note a request: its answer, or an iterator over those of a stream."""
        self.requests.append((name, body, headers))
        usage: dict[str, int] = {}
        self._usages.append(usage)
        found, released = self.answer(name, body), self.released

        def sent(one: Any) -> Any:
            if isinstance(one, dict):
                usage.update(one.get("usageMetadata", {}))
            return one

        def stream() -> Iterator[Any]:
            for one in found:
                if one == HOLD:
                    released.wait(30)
                else:
                    yield sent(one)

        if isinstance(found, list):
            return stream()
        if found == HOLD:
            released.wait(30)
            return {}
        return sent(found)

    def service(self, details: Any) -> Any:
        name = details.method.rpartition("/")[2]
        if name not in _MESSAGES:
            return None
        asked, answered = map(_message, _MESSAGES[name])

        def take(request: Any, context: Any) -> Any:
            return self.take(name, MessageToDict(request), [str(value) for _, value in context.invocation_metadata()])

        def message(found: Any, context: Any) -> Any:
            if isinstance(found, Failure):
                context.abort(getattr(grpc.StatusCode, found.status), found.message)
            return ParseDict(found, answered(), ignore_unknown_fields=True)

        def unary(request: Any, context: Any) -> Any:
            return message(take(request, context), context)

        def stream(request: Any, context: Any) -> Iterator[Any]:
            found = take(request, context)
            for one in found if hasattr(found, "__next__") else [found]:
                yield message(one, context)

        if name.startswith("Stream"):
            return grpc.unary_stream_rpc_method_handler(stream, asked.FromString, answered.SerializeToString)
        return grpc.unary_unary_rpc_method_handler(unary, asked.FromString, answered.SerializeToString)


def _message(name: str) -> Any:
    return empty_pb2.Empty if name == "Empty" else getattr(glm, name).pb()


class _Rest(ThreadingHTTPServer):
    """The same over HTTP: a stream is one JSON array, sent piece by piece."""

    daemon_threads = True

    def __init__(self, service: Service) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

            def do_POST(self) -> None:
                size = int(self.headers.get("content-length") or 0)
                body = json.loads(self.rfile.read(size) or b"{}")
                path = self.path.partition("?")[0]
                action = path.rpartition(":")[2] if ":" in path else f"{_VERBS[self.command]}CachedContent"
                found = service.take(action[0].upper() + action[1:], body, self.headers.values())
                if hasattr(found, "__next__"):
                    self.stream(found)
                else:
                    failed = isinstance(found, Failure)
                    self.whole(_HTTP[found.status] if failed else 200, found.json() if failed else found)

            do_GET = do_PATCH = do_DELETE = do_POST

            def whole(self, status: int, data: Any) -> None:
                text = json.dumps(data).encode()
                self.head(status, "content-length", str(len(text)))
                self.wfile.write(text)

            def head(self, status: int, name: str, value: str) -> None:
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header(name, value)
                self.end_headers()

            def stream(self, found: Iterator[Any]) -> None:
                first = next(found)
                if isinstance(first, Failure):
                    self.whole(_HTTP[first.status], first.json())
                    return
                self.head(200, "transfer-encoding", "chunked")
                self.chunk(f"[{json.dumps(first)}")
                for one in found:
                    if isinstance(one, Failure):  # the connection breaks
                        self.close_connection = True
                        return
                    self.chunk(f",\r\n{json.dumps(one)}")
                self.chunk("]")
                self.wfile.write(b"0\r\n\r\n")

            def chunk(self, text: str) -> None:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(text), text.encode()))
                self.wfile.flush()

        super().__init__(("127.0.0.1", 0), Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is none."""
