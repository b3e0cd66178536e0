"""Live sessions over a websocket: one span for each turn of the model, under one for the session.

The SDK opens a connection by ``ws_connect`` and uses its ``send`` and ``recv`` alone, for the setup and for all that
follows, so that these see all that is said, whichever method of a session says it.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from time import time_ns
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from genspan._core.calls.call import open_call
from genspan._core.calls.tool import Tool, open_tool
from genspan._core.calls.turn import open_turn
from genspan._core.guard import Guard
from genspan._core.hooks.patches import Patch
from genspan._core.routes.contract import Request, Route
from genspan._core.routes.provider_names import port_of
from genspan._core.wire.json_text import parse
from genspan.gemini import live
from genspan.gemini.resources import model_name
from genspan_semconv import attributes as names
from genspan_semconv.model import Key, obj, seq, text

if TYPE_CHECKING:
    from types import TracebackType

    from genspan._core.calls.call import Call
    from genspan._core.calls.turn import Turn
    from genspan._core.emit.telemetry import Telemetry
    from genspan._core.hooks.wrappers import Args, Kwargs, Wrapped, Wrapper
    from genspan_semconv.model import Params, Wire

_MODULE = "google.genai.live"
_MAX_CALLED: Final = 1000
_session_guard = Guard("a live session")


class _Functions:
    """What the program runs for the model: a span from each call to its result.

    A call that was cancelled, or whose result was never sent, may not have been run and has none.
    """

    def __init__(self, telemetry: Telemetry, scope: Turn) -> None:
        self._telemetry, self._scope = telemetry, scope
        self._called: deque[tuple[str, Tool, int]] = deque(maxlen=_MAX_CALLED)
        """By id or name: the call, and when it came."""

    def received(self, message: Wire) -> None:
        """A message of the service's."""
        for key, name, arguments in live.function_calls(message):
            self._called.append((key, Tool(name, key if key != name else None, arguments), time_ns()))
        for key in seq(obj(message.get("toolCallCancellation")).get("ids")):
            self._take(key)

    def sent(self, message: Wire) -> None:
        """A message of the program's."""
        for key, result in live.function_results(message):
            tool, began = self._take(key) or (None, 0)
            if tool is None:
                continue
            with self._scope:
                run = open_tool(self._telemetry, partial(tool._replace), began=began)
            if run is not None:
                run.result = result
                run.code = "_OTHER" if result.get("error") and "output" not in result else None
                run.end()

    def _take(self, key: object) -> tuple[Tool, int] | None:
        for call in self._called:
            if call[0] == key:
                self._called.remove(call)
                return call[1:]
        return None


class Session:
    """What is known of one session, and its turn that is under way.

    A turn whose usage has not come yet waits for it until the model speaks again: it may come alone, with the next
    ``receive()``, when the program has asked the next question already.
    """

    def __init__(self, telemetry: Telemetry, scope: Turn, url: str, headers: Wire) -> None:
        self._telemetry, self._scope = telemetry, scope
        self._url, self._headers = url, headers
        self._setup: dict[str, object] = {}
        self._params: Params = {}
        self._call: Call | None = None
        self._asked, self._next = live.Asked(), live.Asked()
        self._began: int | None = None
        """When the program sent what the next turn answers."""
        self._awaited = False
        """Whether it asked for an answer with that."""
        self._spoken = False
        """Whether the model has said anything in the turn."""
        self._usage: object = None
        """The usage of what it has said last, if that has come."""
        self._functions = _Functions(telemetry, scope)
        self._failure: Exception | None = None
        self._connection: Any = None
        with scope:
            pass  # its span opens

    def _open(self) -> None:
        """Begin the turn that answers what was sent."""
        self._asked, self._next = self._next, live.Asked()
        began, self._began, self._awaited = self._began, None, False
        self._usage, self._spoken = None, False
        body = {"setup": self._setup, "messages": self._asked.messages}
        with self._scope:
            self._call = open_call(
                self._telemetry, partial(_request, self._url, self._headers, body, self._params), began
            )

    def _settle(self) -> None:
        """End the turn that is over, and begin the next if it was asked for already."""
        self._scope.release()
        self._call = None
        if self._awaited:
            self._open()

    def sent(self, message: Wire) -> None:
        """A message of the program's."""
        if "setup" in message:
            self._setup = dict(obj(message["setup"]))
            return
        self._functions.sent(message)
        update = obj(live.field(message, "context_update"))
        if update:
            self._update(update)
        elif self._call is not None and not self._call.finished and live.field(message, "tool_response") is not None:
            self._asked.sent(message)
            self._call.chunk({"tool_response": {}})
        elif self._call is not None and not self._spoken:
            self._asked.sent(message)
        else:
            self._next.sent(message)
            self._began = time_ns()
            self._awaited |= live.asks(message)
            if self._awaited and self._call is None:
                self._open()

    def _update(self, update: Wire) -> None:
        """Instructions and tools of the turns to come."""
        system, tools = live.field(update, "system_instruction"), obj(update.get("tools"))
        self._setup = {**self._setup, **({"systemInstruction": system} if system else {})}
        if tools:
            self._setup["tools"] = tools.get("tools")

    def received(self, message: Wire) -> None:
        """A message of the service's."""
        self._functions.received(message)
        if "setupComplete" in message:
            self._identify(text(obj(message["setupComplete"]).get("sessionId")))
        heard = obj(obj(message.get("serverContent")).get("inputTranscription"))
        if heard:
            (self._next if self._call is None or self._spoken else self._asked).heard(heard)
        usage, speaks = message.get("usageMetadata"), live.speaks(message)
        if self._call is not None and self._call.finished and speaks:
            self._settle()
        if self._call is None and (speaks or (usage and usage != self._usage)):
            self._open()
        call = self._call
        if call is None:
            return  # nothing of a turn, or a usage that is sent again
        self._spoken |= speaks
        self._usage = usage or (None if speaks else self._usage)
        if call.finished:
            call.chunk({"usageMetadata": usage})
        elif live.tells(message):
            call.chunk(message)
            if live.is_over(message) or live.failed(message):
                call.finish()
        if call.finished and (self._usage or live.failed(message)):
            self._settle()

    def _identify(self, identity: str | None) -> None:
        if identity:
            self._params = {"conversation_id": identity}
            self._scope.attributes[names.GEN_AI_CONVERSATION_ID] = identity

    def lost(self, error: Exception) -> None:
        """The connection is closed, by either side, or broken. What was whole stays so."""
        if getattr(error, "rcvd_then_sent", True) is False:
            self._leave()  # it was the program that closed it
            return
        self._leave(error, "failed")
        if any(kind.__name__ == "ConnectionClosedError" for kind in type(error).__mro__):
            self._failure = error

    def _leave(self, error: BaseException | None = None, ending: str | None = "closed") -> None:
        """End the turn that is under way, or that was asked for and never came."""
        if self._call is not None and self._call.finished:
            self._settle()
        if self._call is None and self._awaited:
            self._open()
        if self._call is not None:
            self._call.end(error, ending, finalising=False)
            self._call = None

    def end(self, error: BaseException | None) -> None:
        """The session is over, with what the program's block raised."""
        if self._scope.ended:
            return
        if error is not None and not isinstance(error, Exception) and not isinstance(error, GeneratorExit):
            self._leave(error, None)
        else:
            self._leave()
        self._scope.end(self._failure)
        connection, self._connection = self._connection, None
        if connection is not None:
            del connection.send, connection.recv

    def refused(self, error: BaseException) -> None:
        """There is no connection."""
        self._scope.end(error)

    def __del__(self) -> None:
        with _session_guard:
            if not self._scope.ended and self._call is not None:
                self._call.end(ending=None if self._call.finished else "dropped", finalising=True)
            self._scope.end()

    def watch(self, connection: Any) -> None:
        """See what is sent and received on this one connection, until the session is over."""
        send, recv = connection.send, connection.recv

        async def watched_send(message: Any, *args: Any, **kwargs: Any) -> Any:
            with _session_guard:
                if self._telemetry.listening():
                    self.sent(obj(parse(message)))
            return await self._watched(send(message, *args, **kwargs))

        async def watched_recv(*args: Any, **kwargs: Any) -> Any:
            received = await self._watched(recv(*args, **kwargs))
            with _session_guard:
                if self._telemetry.listening():
                    self.received(obj(parse(received)))
            return received

        connection.send, connection.recv = watched_send, watched_recv
        self._connection = connection

    async def _watched(self, awaitable: Any) -> Any:
        try:
            return await awaitable
        except Exception as error:
            with _session_guard:
                if any(kind.__name__ == "ConnectionClosed" for kind in type(error).__mro__):
                    self.lost(error)
            raise


class _Connecting:
    """The asynchronous context manager that ``websockets`` gives, with a session's span around it."""

    def __init__(self, connecting: Any, session: Session) -> None:
        self._connecting, self._session = connecting, session

    async def __aenter__(self) -> Any:
        try:
            connection = await self._connecting.__aenter__()
        except BaseException as error:
            with _session_guard:
                self._session.refused(error)
            raise
        with _session_guard:
            self._session.watch(connection)
        return connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Any:
        try:
            return await self._connecting.__aexit__(kind, error, trace)
        finally:
            with _session_guard:
                self._session.end(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connecting, name)


def _connect(telemetry: Telemetry) -> Wrapper:
    def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        connecting = wrapped(*args, **kwargs)
        with _session_guard:
            session = _session(telemetry, args[0], obj(kwargs.get("additional_headers") or kwargs.get("extra_headers")))
            return connecting if session is None else _Connecting(connecting, session)
        return connecting

    return wrapper


def _session(telemetry: Telemetry, url: str, headers: Wire) -> Session | None:
    scope = open_turn(telemetry, partial(_request, url, headers, {}, {}), lambda: True)
    return None if scope is None else Session(telemetry, scope, url, headers)


def _request(url: str, headers: Wire, body: Wire, params: Params) -> Request:
    """A turn as a call. The path of the URL tells whose client it is, also behind a gateway."""
    parts = urlsplit(url)
    provider = "gcp.gemini" if "google.ai.generativelanguage" in parts.path else "gcp.vertex_ai"
    model = model_name(obj(body.get("setup")).get("model")) or None
    key = Key("generate_content", provider, model, parts.hostname, port_of(parts), True)
    request = Request(Route(live, key), body, headers, url)
    request.params = params
    return request


PATCHES = (
    Patch(_MODULE, "ws_connect", _connect),
    Patch(_MODULE, "connect", _connect, unless="ws_connect"),  # its name up to google-genai 1.10
)
