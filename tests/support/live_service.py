"""Live sessions of Gemini: a real websocket over TLS on loopback; a test writes the side of the service."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import threading
from typing import TYPE_CHECKING, Any

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from tests.support.telemetry import Counts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

_quiet = logging.getLogger("tests.live_service")
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False


class Socket:
    """One session as the service sees it. `vertex` says which names a service of that kind has."""

    def __init__(self, connection: Any, setup: Any, service: LiveService) -> None:
        self.setup, self.vertex = setup, "aiplatform" in connection.request.path
        self._connection, self._service = connection, service

    async def send(self, **message: Any) -> None:
        usage = message.get("usageMetadata")
        if usage is not None:
            self._service.usages.append(usage)
        await self._connection.send(json.dumps(message).encode())

    async def receive(self) -> Any:
        """The next message of the client."""
        return json.loads(await self._connection.recv())

    async def say(self, *texts: str) -> None:
        for text in texts:
            await self.send(serverContent={"modelTurn": {"role": "model", "parts": [{"text": text}]}})

    async def answer(self, *texts: str, usage: Any = None, **more: Any) -> None:
        """A whole turn."""
        await self.say(*texts)
        await self.send(serverContent={"generationComplete": True})
        await self.over(usage, **more)

    async def over(self, usage: Any = None, **more: Any) -> None:
        await self.send(serverContent={"turnComplete": True, **more}, **({"usageMetadata": usage} if usage else {}))

    def usage(self, prompt: int, out: int, thoughts: int = 0, **more: Any) -> dict[str, Any]:
        """As the Gemini API names it, or Vertex AI."""
        name = "candidatesTokenCount" if self.vertex else "responseTokenCount"
        counts = {"promptTokenCount": prompt, name: out, "totalTokenCount": prompt + out + thoughts, **more}
        return {**counts, "thoughtsTokenCount": thoughts} if thoughts else counts

    async def close(self, code: int = 1000) -> None:
        await self._connection.close(code)

    def lose(self) -> None:
        self._connection.transport.abort()


class LiveService:
    """`script(socket)` is run for each session after its setup; `refuse` is a status for the handshake."""

    def __init__(self, script: Callable[[Socket], Awaitable[None]], folder: Path, refuse: int = 0) -> None:
        from tests.support.certificates import certificate

        self.usages: list[Any] = []
        self._script, self._refuse = script, refuse
        key, trusted = folder / "key.pem", folder / "certificate.pem"
        for path, pem in zip((key, trusted), certificate(), strict=True):
            path.write_bytes(pem)
        self.trusted = str(trusted)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(trusted, key)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def billed(self) -> Counts:
        """What was sent as usage, each once, in all: input with tools, output with thoughts."""
        names = (
            ("promptTokenCount", "toolUsePromptTokenCount"),
            ("responseTokenCount", "candidatesTokenCount", "thoughtsTokenCount"),
        )
        return Counts(*(sum(usage.get(name, 0) for usage in self.usages for name in group) for group in names))

    def __enter__(self) -> LiveService:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        options: Any = {"ssl": self._context, "process_request": self._gate, "logger": _quiet}
        async with serve(self._converse, "127.0.0.1", 0, **options) as server:
            self.port = next(iter(server.sockets)).getsockname()[1]
            self._ready.set()
            await self._stop.wait()

    def _gate(self, connection: Any, request: Any) -> Any:
        return connection.respond(self._refuse, "no") if self._refuse else None

    async def _converse(self, connection: Any) -> None:
        try:
            setup = json.loads(await connection.recv())["setup"]
            socket = Socket(connection, setup, self)
            await socket.send(setupComplete={"sessionId": "session-1"} if socket.vertex else {})
            await self._script(socket)
            await connection.wait_closed()
        except ConnectionClosed:
            pass
