"""Google's Generative Language service over gRPC and TLS, on loopback. Needs google-generativeai and cryptography.

The certificate is made at import, before gRPC reads which authorities it trusts.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def _certificate() -> tuple[bytes, bytes]:
    """A key and its own certificate for 127.0.0.1, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem, no_password = serialization.Encoding.PEM, serialization.NoEncryption()
    return key.private_bytes(pem, serialization.PrivateFormat.PKCS8, no_password), made.public_bytes(pem)


_KEY, _CERTIFICATE = _certificate()
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
