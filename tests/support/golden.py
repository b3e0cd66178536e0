"""Golden calls of Gemini (``tests/golden/gemini``): what a program calls, the wire, and the spans that come of it.

The same files are read by the JavaScript package's tests. ``tests/golden/README.md`` describes the form.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from google import genai
from google.genai import types
from opentelemetry.sdk.trace import SpanLimits

from genspan.gemini import GeminiInstrumentor
from genspan_semconv import attributes as names
from tests.support.drive_gemini import NOT_DRIVEN, arguments_of
from tests.support.gemini_http import one_user_agent
from tests.support.provider import Reply
from tests.support.telemetry import CAPTURE, USER_VARIABLES, Telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import ReadableSpan

    from tests.support.provider import FakeProvider
    from tests.support.recordings import Recording

Json = Any

FOLDER = Path(__file__).parents[1] / "golden" / "gemini"
FILES = sorted(FOLDER.glob("*.json"))

VARYING = {"server.port": "$PORT", "gen_ai.response.time_to_first_chunk": "$SECONDS", "error.type": "$EXCEPTION"}
"""What differs from run to run, or by the SDK's language: the name of the exception that it raises."""


_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""The session of a chat, for which Google has no id."""


def read(path: Path) -> dict[str, Json]:
    return json.loads(path.read_text("utf-8"))


def write(path: Path, case: dict[str, Json]) -> None:
    path.write_text(_text(case) + "\n", "utf-8")


def _text(value: Json, indent: str = "") -> str:
    """JSON text in which what fits on a line stands on one, so that a change shows what it is."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or len(indent) + len(line) <= 110:
        return line
    deeper = indent + "  "
    if isinstance(value, list):
        items = [deeper + _text(item, deeper) for item in value]
    else:
        items = [f"{deeper}{json.dumps(key)}: {_text(item, deeper)}" for key, item in value.items()]
    opening, closing = "[]" if isinstance(value, list) else "{}"
    return "\n".join([opening, ",\n".join(items), indent + closing])


class Outcome:
    """What one golden call led to: requests as the server saw them, spans, and what the SDK raised."""

    def __init__(self, requests: list[dict[str, Json]], spans: list[ReadableSpan], raised: Exception | None) -> None:
        self.requests, self.raised = requests, raised
        self._spans = sorted(spans, key=lambda span: span.start_time)

    def spans(self) -> list[dict[str, Json]]:
        """As in the files: the parent by its position in the list."""
        positions = {span.context.span_id: at for at, span in enumerate(self._spans)}
        return [self._span(span, positions) for span in self._spans]

    def _span(self, span: ReadableSpan, positions: dict[int, int]) -> dict[str, Json]:
        return {
            "name": span.name,
            "kind": span.kind.name,
            "status": span.status.status_code.name,
            "parent": positions[span.parent.span_id] if span.parent else None,
            "attributes": {name: self._value(name, value) for name, value in sorted(span.attributes.items())},
        }

    def _value(self, name: str, value: Json) -> Json:
        if name == "error.type" and value != type(self.raised).__name__:
            return value
        if name in VARYING:
            return VARYING[name]
        if name == names.SESSION_ID and _UUID.fullmatch(str(value)):
            return "$SESSION"
        if isinstance(value, str) and value.startswith(("{", "[")):
            with contextlib.suppress(ValueError):
                return {"json": json.loads(value)}
        return list(value) if isinstance(value, tuple) else value


class Player:
    """Plays golden calls through the real google-genai, against a server that gives the answers of the file."""

    def __init__(self, provider: FakeProvider) -> None:
        self._provider = provider
        self._clients: dict[bool, genai.Client] = {}

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    def play(self, case: dict[str, Json]) -> Outcome:
        provider, instrumentor = self._provider, GeminiInstrumentor()
        provider.reset()
        provider.script(*(_reply(exchange["response"]) for exchange in case["wire"]))
        with _settings(case["settings"]):
            client = self._client(case["call"].get("vertexai", False))
            telemetry = Telemetry(limits=SpanLimits())
            instrumentor.instrument(**telemetry.providers)
            try:
                raised = _called(case["call"], client)
            finally:
                instrumentor.uninstrument()
        requests = [_request(entry) for entry in provider.ledger]
        return Outcome(requests, telemetry.spans, raised)

    def completed(self, case: dict[str, Json]) -> dict[str, Json]:
        """The golden call with what Python makes of it: requests and spans."""
        outcome = self.play(case)
        exchanges = zip(case["wire"], outcome.requests, strict=True)
        wire = [{"request": request, "response": exchange["response"]} for exchange, request in exchanges]
        return {**case, "wire": wire, "spans": outcome.spans()}

    def _client(self, vertexai: bool) -> genai.Client:
        """One each, since making one costs more than calls."""
        if vertexai not in self._clients:
            options = types.HttpOptions(base_url=self._provider.url, **one_user_agent())
            self._clients[vertexai] = genai.Client(api_key="golden-key", vertexai=vertexai, http_options=options)
        return self._clients[vertexai]


def _request(entry: Any) -> dict[str, Json]:
    return {"method": entry.method, "path": entry.path.split("/", 2)[2], "json": entry.body}


@contextlib.contextmanager
def _settings(settings: dict[str, str]) -> Iterator[None]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(USER_VARIABLES)}
    with patch.dict(os.environ, {**own, **settings}, clear=True):
        yield


def _reply(response: dict[str, Json]) -> Reply:
    if "sse" in response:
        return Reply(status=response["status"], frames=[_frame(event).encode() for event in response["sse"]])
    return Reply(status=response["status"], body=response["json"])


def _frame(event: Json) -> str:
    """An event is JSON, or of a recording its text."""
    return event if isinstance(event, str) else f"data: {json.dumps(event, ensure_ascii=False)}\r\n\r\n"


# Recordings


def of_recording(recording: Recording) -> dict[str, Json] | None:
    """A recording as a golden call; none for what a program does not ask a model for, or the SDK cannot be made to."""
    if recording.id in NOT_DRIVEN or not recording.body or recording.api in ("countTokens", "cachedContents"):
        return None
    if recording.stream:
        recording = recording.as_stream()
    if not {"json", "sse"} & recording.response.keys():
        return None
    answer = {key: recording.response[key] for key in ("status", "json", "sse") if key in recording.response}
    return {
        "about": f"recording {recording.id}",
        "settings": {CAPTURE: "SPAN_ONLY", "GENSPAN_DIALECTS": "genai,mlflow"},
        "call": {**_recorded_call(recording), "vertexai": recording.provider == "vertex"},
        "wire": [{"response": answer}],
    }


def _recorded_call(recording: Recording) -> dict[str, Json]:
    if recording.api == "interactions":
        return {"method": "interactions.create", "params": recording.body}
    embedding = "mbedContent" in recording.api
    method = "embedContent" if embedding else "generateContentStream" if recording.stream else "generateContent"
    arguments = arguments_of(recording)
    config = arguments["config"].model_copy(update={"automatic_function_calling": None})
    params = {
        "model": arguments["model"],
        "contents": [_camel(content) for content in arguments["contents"]],
        "config": _camel(config),
    }
    return {"method": f"models.{method}", "params": params}


def _camel(value: Any) -> Json:
    return value.model_dump(mode="json", by_alias=True, exclude_none=True)


# Calls


def _called(call: dict[str, Json], client: genai.Client) -> Exception | None:
    try:
        _METHODS[call["method"]](client, call["params"], call.get("tools", {}))
    except Exception as error:  # whatever class the SDK has for it
        return error
    return None


def _arguments(params: dict[str, Json], tools: dict[str, Json]) -> dict[str, Json]:
    """The program's params, as JavaScript takes them, for Python."""
    found = {"model": params["model"]}
    if "contents" in params:
        found["contents"] = [_valid(types.Content, one) if isinstance(one, dict) else one for one in params["contents"]]
    config = _valid(types.GenerateContentConfig, params.get("config", {}))
    if tools:
        config.tools = [*(config.tools or ()), *(_FUNCTIONS[name] for name in tools)]
    return {**found, "config": config}


def _valid(kind: Any, value: Json) -> Any:
    return kind.model_validate_json(json.dumps(value))  # from JSON, so that base64 becomes bytes


def _generate(client: Any, params: dict[str, Json], tools: dict[str, Json]) -> None:
    client.models.generate_content(**_arguments(params, tools))


def _stream(client: Any, params: dict[str, Json], tools: dict[str, Json]) -> None:
    for _ in client.models.generate_content_stream(**_arguments(params, tools)):
        pass


def _chat(client: Any, params: dict[str, Json], tools: dict[str, Json]) -> None:
    chat = client.chats.create(**_arguments(params, tools))
    for message in params["messages"]:
        chat.send_message(message)


def _chat_stream(client: Any, params: dict[str, Json], tools: dict[str, Json]) -> None:
    chat = client.chats.create(**_arguments(params, tools))
    for message in params["messages"]:
        for _ in chat.send_message_stream(message):
            pass


def _embed(client: Any, params: dict[str, Json], _: dict[str, Json]) -> None:
    config = _valid(types.EmbedContentConfig, params.get("config", {}))
    client.models.embed_content(model=params["model"], contents=params["contents"], config=config)


def _count(client: Any, params: dict[str, Json], _: dict[str, Json]) -> None:
    client.models.count_tokens(model=params["model"], contents=params["contents"])


def _interact(client: Any, params: dict[str, Json], _: dict[str, Json]) -> None:
    created = client.interactions.create(**params)
    for _event in created if params.get("stream") else ():
        pass


_METHODS = {
    "models.generateContent": _generate,
    "models.generateContentStream": _stream,
    "chats.sendMessage": _chat,
    "chats.sendMessageStream": _chat_stream,
    "models.embedContent": _embed,
    "models.countTokens": _count,
    "interactions.create": _interact,
}


def get_weather(city: str) -> dict[str, Json]:
    """The weather of a city."""
    return {"weather": f"sunny in {city}"}


_FUNCTIONS = {"get_weather": get_weather}
