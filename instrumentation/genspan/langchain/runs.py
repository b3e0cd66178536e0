"""The runs of LangChain that are under way, as spans: which run becomes one, below which, and how it ends."""

from __future__ import annotations

from functools import reduce
from time import time_ns
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast
from weakref import ref

from opentelemetry import context as otel
from opentelemetry.context import Context, create_key

from genspan._core.calls.call import open_call
from genspan._core.context import OBSERVER, outside, suppressed
from genspan._core.emit.credentials import is_credential
from genspan._core.emit.redaction import NO_SECRETS
from genspan._core.guard import Guard
from genspan._core.routes.contract import Request, Route
from genspan._core.user_context import with_attributes
from genspan.langchain import chat
from genspan.langchain.spans import NOTHING, End, RunSpan, Start
from genspan_semconv import attributes as names
from genspan_semconv.encode import dumps
from genspan_semconv.model import Key, obj, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from genspan._core.emit.redaction import Secrets
    from genspan._core.emit.telemetry import Telemetry
    from genspan_semconv.model import AttributeValue, Usage

RUN: Final = create_key("genspan-langchain-run")
"""The id of the innermost run in a context."""

_MAX_RUNS: Final = 10_000
_INTERNAL_METADATA: Final = ("ls_", "lc_", "langgraph_", "checkpoint_", "__", "thread_id", "revision_id")
_PROVIDERS: Final = {
    "google_genai": "gcp.gemini",
    "google_vertexai": "gcp.vertex_ai",
    "amazon_bedrock": "aws.bedrock",
    "bedrock_converse": "aws.bedrock",
    "azure": "azure.ai.openai",
    "mistral": "mistral_ai",
    "mistralai": "mistral_ai",
    "xai": "x_ai",
}


class Facts(NamedTuple):
    """What LangChain says of a run when it starts."""

    id: UUID
    parent: UUID | None
    name: str
    tags: Sequence[str]
    metadata: Mapping[str, object]


class Run:
    """One run that is under way. ``context`` is what runs below it begin in; it observes the model calls there."""

    __slots__ = (
        *("__weakref__", "_seen", "agent_name", "calls", "context", "conversation", "id", "inference_calls"),
        *("is_agent", "model", "parent", "span", "tool_calls"),
    )

    def __init__(self, facts: Facts, parent: Run | None, context: Context) -> None:
        self.id = facts.id
        self.parent = parent
        self.context = Context({**context, RUN: facts.id, OBSERVER: ref(self)})
        self.span: RunSpan | None = None
        self.model: ModelRun | None = None
        self.is_agent = False
        self.agent_name: str | None = None
        """The name that the application gave an agent."""
        self.conversation = text(facts.metadata.get("thread_id"))
        self.calls = 0
        """Model calls inside it that have a span."""
        self.inference_calls = self.tool_calls = 0
        """Of an agent: what it did itself."""
        self._seen: list[Secrets] = [] if parent is None else parent._seen

    @property
    def agent(self) -> Run | None:
        """The agent around this run."""
        run = self.parent
        while run is not None and not run.is_agent:
            run = run.parent
        return run

    def call_opened(self) -> None:
        """A model call begins inside this run."""
        run, cached = self, self.model is not None and self.model.cached
        while run is not None:
            run.calls += 1
            run = run.parent
        agent = self if self.is_agent else self.agent
        if agent is not None and not cached:
            agent.inference_calls += 1

    def credentials_seen(self, secrets: Secrets) -> None:
        """Note the credentials of a model call: what is called in the same tree may repeat them."""
        if secrets is not NO_SECRETS and secrets not in self._seen:
            self._seen.append(secrets)

    @property
    def secrets(self) -> Secrets:
        """The credentials of the model calls of the tree until now."""
        return reduce(lambda one, other: one | other, self._seen, NO_SECRETS)


class ModelRun:
    """What is known of a run of a model. Where no traced SDK makes a call inside it, it becomes a span at its end."""

    __slots__ = ("began", "begun", "body", "cached", "key", "owner")

    def __init__(self, key: Key, body: dict[str, object], owner: object) -> None:
        self.began = time_ns()
        self.key, self.body, self.owner = key, body, owner
        self.cached = False
        self.begun: Usage | None = None
        """What the provider reported when its answer began."""


class Runs:
    """The runs of one instrumentation, by LangChain's ids."""

    def __init__(self, telemetry: Telemetry, show_all: bool) -> None:
        self.telemetry = telemetry
        self.show_all = show_all
        self._runs: dict[UUID, Run] = {}
        """Of one that is left out, the run around it."""

    def find(self, identity: UUID | None) -> Run | None:
        """A run that is under way, or the one around it where it is left out."""
        return None if identity is None else self._runs.get(identity)

    def begin(self, facts: Facts) -> Run | None:
        """Note a run, or ``None`` where nobody listens or it is suppressed."""
        if not self.telemetry.listening():
            return None
        current, parent = otel.get_current(), self.find(facts.parent)
        if suppressed(current):
            return None
        if parent is not None and current.get(RUN) != parent.id:
            current = parent.context  # run by another thread or task, or past LangChain's own contexts
        run = Run(facts, parent, outside(current))
        if run.conversation is not None and (parent is None or parent.conversation != run.conversation):
            conversation = {names.GEN_AI_CONVERSATION_ID: run.conversation, names.SESSION_ID: run.conversation}
            run.context = with_attributes(run.context, conversation)
        self._keep(facts.id, run)
        return run

    def leave_out(self, facts: Facts) -> None:
        """Note a run that gets no span: what begins in it belongs to the run around it."""
        parent = self.find(facts.parent)
        if parent is None or text(facts.metadata.get("thread_id")) != parent.conversation:
            self.begin(facts)
        else:
            self._keep(facts.id, parent)

    def _keep(self, identity: UUID, run: Run) -> None:
        while len(self._runs) >= _MAX_RUNS:
            self.end(next(iter(self._runs)))
        self._runs[identity] = run

    def enter(self, identity: UUID | None) -> None:
        """Make a run's context current, unless something inside the run is current already."""
        run = self.find(identity)
        if run is not None and otel.get_current().get(RUN) != run.id:
            otel.attach(run.context)

    def answered_from_cache(self) -> None:
        """The answer of the model run around this is an earlier one."""
        model = self._current_model()
        if model is not None:
            model.cached = True

    def answer_began(self, usage: Usage | None) -> None:
        """The stream of the model run around this began with a usage."""
        model = self._current_model()
        if model is not None:
            model.begun = usage

    def _current_model(self) -> ModelRun | None:
        run = self.find(cast("UUID | None", otel.get_value(RUN)))
        return None if run is None else run.model

    def open_span(self, run: Run, start: Start) -> None:
        """Give a run a span of its own."""
        if start.operation == "execute_tool" and (agent := run.agent) is not None:
            agent.tool_calls += 1
            if agent.agent_name is not None:
                start = start._replace(attributes={**start.attributes, names.GEN_AI_AGENT_NAME: agent.agent_name})
        run.span = RunSpan(self.telemetry, run.context, start)
        run.context = run.span.context

    def open_model(self, run: Run, facts: Facts, body: dict[str, object], owner: object = None) -> None:
        """Note a run of a model: what an SDK sends within it carries the run's name, tags and metadata."""
        operation = "text_completion" if "prompts" in body else "chat"
        run.model = ModelRun(_key(facts, operation, obj(body.get("params"))), body, owner)
        run.context = with_attributes(run.context, _describe(facts))

    def end(
        self, identity: UUID, error: BaseException | None = None, answer: Mapping[str, object] = MappingProxyType({})
    ) -> None:
        """End a run, once: the first end or error counts. ``answer`` is what a run of a model gave."""
        run = self._runs.pop(identity, None)
        if run is None or run.id != identity:
            return
        if run.span is not None:
            result = answer.get("result", NOTHING)
            run.span.finish(End(error, result, run.secrets, run.inference_calls, run.tool_calls))
        if run.model is not None and not run.calls:
            with Guard("model run of LangChain"):
                self._record(run, run.model, error, answer)

    def _record(self, run: Run, model: ModelRun, error: BaseException | None, answer: Mapping[str, object]) -> None:
        """A model call that no traced SDK made."""
        context = run.context
        if model.cached:
            context = with_attributes(context, {names.GENSPAN_RESPONSE_CACHED: True})
        token = otel.attach(context)
        try:
            request = Request(Route(chat, model.key), model.body, _credentials(model.owner), "")
            call = open_call(self.telemetry, lambda: request, model.began)
        finally:
            otel.detach(token)
        if call is not None:
            call.see({**answer, "cached": model.cached, "begun": model.begun})
            call.end(error)


def _credentials(model: object) -> dict[str, object]:
    """What a chat model of LangChain keeps as pydantic's ``SecretStr``, by the names of its fields."""
    fields = cast("dict[str, Any]", getattr(model, "__dict__", {}))
    return {name: field.get_secret_value() for name, field in fields.items() if hasattr(field, "get_secret_value")}


def _key(facts: Facts, operation: str, params: Mapping[str, object]) -> Key:
    metadata = facts.metadata
    provider = text(metadata.get("ls_provider")) or "langchain"
    names = (text(params.get(name)) for name in ("model", "model_name", "model_id"))
    model = text(metadata.get("ls_model_name")) or next(filter(None, names), None)
    return Key(operation, _PROVIDERS.get(provider, provider), model, None, None, params.get("stream") is True)


def _describe(facts: Facts) -> dict[str, AttributeValue]:
    """Name, tags and the program's own metadata of a run."""
    found: dict[str, AttributeValue] = {names.GENSPAN_LANGCHAIN_RUN_NAME: facts.name}
    tags = [tag for tag in facts.tags if not tag.startswith(("seq:step", "map:key", "graph:step", "langsmith:"))]
    if tags:
        found[names.GENSPAN_LANGCHAIN_TAGS] = tags
    given = facts.metadata.items()
    own = {name: value for name, value in given if not name.startswith(_INTERNAL_METADATA) and _is_own(name, value)}
    if own:
        found[names.GENSPAN_LANGCHAIN_METADATA] = dumps(own)
    return found


def _is_own(name: str, value: object) -> bool:
    """Whether metadata is the program's. LangChain adds what is under ``configurable``, which may hold credentials."""
    simple = value is None or isinstance(value, (str, bool, int, float))
    return simple and not is_credential(name)
