"""Sessions in which a provider makes model calls by itself, known by what the program reads of them.

The same events come with every stream and every listing, so each call is counted by its id, once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from time import time_ns
from typing import TYPE_CHECKING, Any, NamedTuple

from genspan._core.calls.call import open_call
from genspan._core.guard import swallow
from genspan._core.routes.contract import Request, Route
from genspan._core.routes.seen_ids import Recent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from genspan._core.emit.telemetry import Telemetry
    from genspan._core.routes.contract import Api
    from genspan._core.routes.seen_ids import Counted
    from genspan_semconv.model import Key

    MakeKey = Callable[[Any, str, str | None, bool], Key]


class FinishedCall(NamedTuple):
    """A model call that is over: its id, the id by which its start was announced, its session, its usage in JSON.

    ``runner`` is whose model it was, where that is not the session's.
    """

    identity: str
    start: str
    session: str
    data: Mapping[str, object]
    runner: str | None = None


class Sessions(ABC):
    """What is known of sessions: the model of each, and the calls that have begun."""

    path: str
    """What the path of every URL has where it is about sessions."""

    def __init__(self, api: Api, operation: str, key: MakeKey, counted: Counted) -> None:
        self._api, self._operation, self._key, self._counted = api, operation, key, counted
        self._models, self._begun = Recent[str, str](), Recent[str, int]()

    @abstractmethod
    def finished_calls(self, data: Mapping[str, object], response: Any) -> Iterable[FinishedCall]:
        """The calls that an answer or an event reports as finished."""

    def began(self, identity: str) -> None:
        """A call has begun, as far as is known now."""
        if identity not in self._begun:
            self._begun.put(identity, time_ns())

    def runs(self, session: str | None, model: str | None) -> None:
        """A session runs a model."""
        if session and model:
            self._models.put(session, model)

    def read(self, telemetry: Telemetry, client: Any, data: Mapping[str, object], response: Any) -> None:
        """Look at any answer and any event."""
        try:
            for finished in self.finished_calls(data, response):
                if telemetry.listening() and self._counted.first(finished.identity):
                    began = self._begun.pop(finished.start, None)
                    call = open_call(telemetry, partial(self._request, client, finished, response.request), began)
                    if call is not None:
                        call.see(finished.data)
                        call.end()
        except Exception as error:
            swallow("events of a session", error)

    def _request(self, client: Any, finished: FinishedCall, sent: Any) -> Request:
        key = self._key(client, self._operation, self._models.get(finished.runner or finished.session), False)
        request = Request(Route(self._api, key), {}, sent.headers, sent.url)
        if finished.session:
            request.params = {"conversation_id": finished.session}
        return request
