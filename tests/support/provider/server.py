"""The HTTP server: finds the route, takes the script, writes the answer, keeps the ledger."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from tests.support.provider import anthropic, gemini, mistral, openai
from tests.support.provider.ledger import Entry, Ledger
from tests.support.provider.script import Reply, with_directives
from tests.support.provider.send import Sender
from tests.support.provider.wire import Request, Route, Wire

WIRES: tuple[Wire, ...] = (gemini.WIRE, mistral.WIRE, openai.WIRE, anthropic.WIRE)

Script = Reply | Mapping[str, Any] | Callable[[Request], Reply]


class FakeProvider:
    """`with FakeProvider() as provider:` serves on a thread of its own until the block is left."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0, wires: Sequence[Wire] = WIRES) -> None:
        self.host = host
        self.port = port
        self.ledger = Ledger()
        self.wires = wires
        self._script: deque[Script] = deque()
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def script(self, *replies: Script) -> None:
        """Queue answers: each is used for one request, in order of arrival. A callable is given the request."""
        self._script.extend(replies)

    def replay(self, *recordings: Any) -> None:
        """Queue recorded responses (`tests.support.recordings.Recording`): same status, content type and bytes."""
        self._script.extend(recording.reply() for recording in recordings)

    def reset(self) -> None:
        """Forget the ledger and what is left of the script."""
        self.ledger.clear()
        self._script.clear()

    @property
    def unused(self) -> int:
        """Scripted answers that no request has taken yet."""
        return len(self._script)

    # Life

    def __enter__(self) -> FakeProvider:
        self._thread = threading.Thread(target=self._run, name="fake-provider", daemon=True)
        self._thread.start()
        self._ready.wait(10)
        if self._failure:
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop and self._stop:
            self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread:
            self._thread.join(10)

    def _run(self) -> None:
        try:
            asyncio.run(self.serve())
        except BaseException as failure:  # a thread has nobody to raise to: __enter__ does it
            self._failure = failure
            self._ready.set()

    async def serve(self) -> None:
        """Serve until the block around this provider is left, or the task is cancelled."""
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_get("/_ledger", self._show_ledger)
        app.router.add_post("/_reset", self._reset)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        try:
            site = web.TCPSite(runner, self.host, self.port)
            await site.start()
            self.port = runner.addresses[0][1]
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
            self._ready.set()
            await self._stop.wait()
        finally:
            await runner.cleanup()

    async def _show_ledger(self, _: web.Request) -> web.Response:
        return web.json_response(self.ledger.as_json())

    async def _reset(self, _: web.Request) -> web.Response:
        self.reset()
        return web.json_response({})

    # One request

    async def _handle(self, http: web.Request) -> web.StreamResponse:
        request = await _read(http)
        found = self._find(request)
        if found is None:
            return web.json_response({"error": {"code": 404, "message": f"no route {http.path}"}}, status=404)
        wire, route = found
        if route.socket is not None:
            return await self._converse(http, request, wire, route)
        entry = _entry(wire, route, request)
        self.ledger.entries.append(entry)
        return await Sender(http, request, wire, route, self._reply(wire, request), entry).send()

    async def _converse(self, http: web.Request, request: Request, wire: Wire, route: Route) -> web.StreamResponse:
        """A websocket, with an entry of the ledger for each answer in it."""

        def enter(body: Any, usage: Any) -> None:
            entry = _entry(wire, route, replace(request, body=body))
            entry.status, entry.complete = 200, True
            entry.usage, entry.bill = usage, wire.bill(usage) if usage else None
            self.ledger.entries.append(entry)

        socket = web.WebSocketResponse()
        await socket.prepare(http)
        await route.socket(socket, request, enter)
        await socket.close()
        return socket

    def _find(self, request: Request) -> tuple[Wire, Route] | None:
        for wire in self.wires:
            for route in wire.routes:
                match = route.method == request.method and route.path.search(request.path)
                if match and (not route.header or route.header in request.headers):
                    request.match = match.groupdict()
                    return wire, route
        return None

    def _reply(self, wire: Wire, request: Request) -> Reply:
        script: Script = self._script.popleft() if self._script else Reply()
        if isinstance(script, Mapping):
            script = Reply(**script)
        reply = script if isinstance(script, Reply) else script(request)
        if reply.scripted_body:
            return reply
        return with_directives(reply, wire.prompt(request.body), request.headers)


async def _read(http: web.Request) -> Request:
    raw = await http.read()
    body = None
    with contextlib.suppress(ValueError):  # a body that is not JSON (an upload) has no JSON
        body = json.loads(raw)
    return Request(http.method, http.path, dict(http.query), dict(http.headers), raw, body)


def _entry(wire: Wire, route: Route, request: Request) -> Entry:
    return Entry(
        provider=wire.name,
        api=route.api,
        method=request.method,
        path=request.path,
        query=dict(request.query),
        model=wire.model(request),
        stream=wire.streams(request),
        headers=dict(request.headers),
        raw=request.raw,
        body=request.body,
    )
