"""Google's Generative Language service over gRPC and TLS, on loopback. Needs google-generativeai and cryptography.

The certificate is made at import, before gRPC reads which authorities it trusts.
"""

from __future__ import annotations

import os
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.certificates import certificate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_KEY, _CERTIFICATE = certificate()
_folder = tempfile.TemporaryDirectory()
_trusted = Path(_folder.name, "certificate.pem")
_trusted.write_bytes(_CERTIFICATE)
os.environ["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"] = str(_trusted)

import google.ai.generativelanguage_v1beta as glm  # noqa: E402
import grpc  # noqa: E402
from google.protobuf.json_format import MessageToDict, ParseDict  # noqa: E402

_METHODS = ("GenerateContent", "StreamGenerateContent", "CountTokens", "EmbedContent", "BatchEmbedContents")


class Failure(Exception):
    """What an answer may be in place of JSON: a status of gRPC with a message."""

    def __init__(self, status: str, message: str = "scripted failure") -> None:
        super().__init__(message)
        self.status, self.message = status, message


class Service(grpc.GenericRpcHandler):
    """`answer(method, request)` gives the JSON of an answer, or for a stream several; requests are kept as JSON."""

    def __init__(self, answer: Callable[[str, dict[str, Any]], Any]) -> None:
        self.answer = answer
        self.requests: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self.released = threading.Event()
        self._server = grpc.server(ThreadPoolExecutor(16), handlers=[self])
        credentials = grpc.ssl_server_credentials([(_KEY, _CERTIFICATE)])
        self.address = f"127.0.0.1:{self._server.add_secure_port('127.0.0.1:0', credentials)}"

    def __enter__(self) -> Service:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._server.stop(None)

    def service(self, details: Any) -> Any:
        name = details.method.rpartition("/")[2]
        if name not in _METHODS:
            return None
        asked = getattr(glm, f"{name.removeprefix('Stream')}Request").pb()
        answered = getattr(glm, f"{name.removeprefix('Stream')}Response").pb()

        def take(request: Any, context: Any) -> Any:
            body = MessageToDict(request)
            self.requests.append((name, body, dict(context.invocation_metadata())))
            return self.answer(name, body)

        def message(found: Any, context: Any) -> Any:
            if isinstance(found, Failure):
                context.abort(getattr(grpc.StatusCode, found.status), found.message)
            return ParseDict(found, answered())

        def unary(request: Any, context: Any) -> Any:
            return message(take(request, context), context)

        def stream(request: Any, context: Any) -> Iterable[Any]:
            for found in take(request, context):
                if found == "hold":
                    self.released.wait(30)
                else:
                    yield message(found, context)

        if name.startswith("Stream"):
            return grpc.unary_stream_rpc_method_handler(stream, asked.FromString, answered.SerializeToString)
        return grpc.unary_unary_rpc_method_handler(unary, asked.FromString, answered.SerializeToString)
