"""Which request is which operation, whose host it goes to, and what has been counted already."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from genspan._core import config
from genspan._core.routes.contract import Request, Route
from genspan._core.routes.provider_names import Keys, default_port, provider_of, read_hosts
from genspan._core.routes.routing import Row, finder
from genspan._core.routes.seen_ids import Counted, Recent
from genspan._core.routes.stored_responses import Fetched, Once
from genspan_semconv.model import Key, Prompt, Response, Usage

ROWS = (
    Row(r"POST /chat/(?P<what>\w+)(?P<rest>/x)?", "chat", "chat"),
    Row(r"GET /models/.*", "models", "fetch_response"),
    Row(r"POST /chat/.*", "later", "other"),
)


def test_the_first_row_that_matches_the_whole_path():
    find = finder(ROWS, r"^https?://[^/]+|\?.*$")
    assert find("post", "https://host/chat/completions?a=1") == (ROWS[0], {"what": "completions"})
    assert find("POST", "/chat/completions/x") == (ROWS[0], {"what": "completions", "rest": "/x"})
    assert find("POST", "/chat/a/b") == (ROWS[2], {})
    assert find("GET", "/models/m") == (ROWS[1], {})
    for method, path in (("GET", "/chat/completions"), ("POST", "/v1/chat/completions"), ("POST", "/chat")):
        assert find(method, path) is None


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        ("me.openai.azure.com", "azure.ai.openai"),
        ("me.cognitiveservices.azure.com", "azure.ai.openai"),
        ("me.services.ai.azure.com", "azure.ai.inference"),
        ("me.models.ai.azure.com", "azure.ai.inference"),
        ("bedrock-runtime.us-east-1.amazonaws.com", "aws.bedrock"),
        ("bedrock.us-east-1.api.aws", "aws.bedrock"),
        ("generativelanguage.googleapis.com", "gcp.gemini"),
        ("europe-west1-aiplatform.googleapis.com", "gcp.vertex_ai"),
        ("aiplatform.googleapis.com", "gcp.vertex_ai"),
        ("api.anthropic.com", "anthropic"),
        ("API.GROQ.COM", "groq"),
        ("api.mistral.ai", "mistral_ai"),
        ("api.deepseek.com", "deepseek"),
        ("eu.api.x.ai", "x_ai"),
        ("api.perplexity.ai", "perplexity"),
        ("api.cohere.ai", "cohere"),
        ("api.cohere.com", "cohere"),
        ("api.moonshot.ai", "moonshot_ai"),
        ("api.moonshot.cn", "moonshot_ai"),
        ("us-south.ml.cloud.ibm.com", "ibm.watsonx.ai"),
        ("openrouter.ai", "openrouter"),
        ("api.together.xyz", "together_ai"),
        ("api.fireworks.ai", "fireworks_ai"),
        ("api.cerebras.ai", "cerebras"),
        ("notopenrouter.ai", None),
        ("localhost", None),
        ("api.openai.com", None),
    ],
)
def test_providers_by_host(host, provider):
    assert provider_of(host, read_hosts("GENSPAN_TEST_HOSTS")) == provider


def test_hosts_of_the_environment(monkeypatch, caplog):
    monkeypatch.setattr(config, "_refused", set())
    monkeypatch.setenv("GENSPAN_TEST_HOSTS", " LLM.corp = mine , special.openrouter.ai=yours, broken, =x")
    hosts = read_hosts("GENSPAN_TEST_HOSTS")
    assert provider_of("eu.llm.corp", hosts) == "mine"
    assert provider_of("special.openrouter.ai", hosts) == "yours", "the longest name decides"
    assert provider_of("openrouter.ai", hosts) == "openrouter"
    assert "GENSPAN_TEST_HOSTS" in caplog.text


def test_ports():
    assert [default_port(scheme) for scheme in ("https", "wss", "http", "ws", "ftp")] == [443, 443, 80, 80, None]


class AsyncAzureClient:
    def __init__(self, host="localhost", port=None, scheme="https"):
        self.base_url = SimpleNamespace(host=host, port=port, scheme=scheme)


class Client(AsyncAzureClient):
    pass


class Plain:
    base_url = SimpleNamespace(host="localhost", port=8080, scheme="http")


@pytest.mark.parametrize(
    ("client", "kind_first", "provider"),
    [
        (AsyncAzureClient(), False, "azure"),
        (Client(), False, "azure"),
        (Client("api.groq.com"), False, "groq"),
        (Client("api.groq.com"), True, "azure"),
        (Plain(), False, "default"),
    ],
)
def test_who_answers(client, kind_first, provider):
    keys = Keys("GENSPAN_TEST_HOSTS", {"Azure": "azure"}, "default", kind_first)
    assert keys.key(client, "chat", "m", False).provider == provider


def test_the_key_of_a_call():
    keys = Keys("GENSPAN_TEST_HOSTS", {}, "default")
    assert keys.key(Plain(), "chat", "m", True) == Key("chat", "default", "m", "localhost", 8080, True)
    url = SimpleNamespace(host="other", port=None, scheme="wss")
    assert keys.key(Plain(), "chat", None, False, url) == Key("chat", "default", None, "other", 443, False)


def test_the_oldest_of_too_many_ids_is_forgotten():
    recent = Recent[int, int]()
    for number in range(10_000):
        recent.put(number, number)
    assert (len(recent), recent[0]) == (10_000, 0)
    recent.put(10_000, 1)
    assert len(recent) == 10_000
    assert 0 not in recent
    assert 1 in recent
    recent.put(5, 6)
    assert (len(recent), recent[5]) == (10_000, 6)


class Api:
    Fold = object

    def __init__(self, **response):
        self.given = response

    def params(self, body):
        assert body is not None
        return {"max_tokens": 7}

    def response(self, data):
        assert data is not None
        return Response(**self.given)

    def prompt(self, body):
        assert body is not None
        return Prompt([], [{"role": "user", "parts": []}], [])

    def answer(self, data):
        assert data is not None
        return [{"role": "assistant", "parts": []}]


def test_usage_of_a_stored_answer_counts_once():
    stored = {"id": "r", "operation": "chat"}
    once = Once(Api(**stored, usage=Usage(9)), Counted())
    assert once.response({}).usage == Usage(9)
    assert once.response({}).usage is None
    other = Once(Api(id="s", operation="chat", usage=Usage(9)), once._counted)
    assert other.response({}).usage == Usage(9)
    assert (once.params({}), once.Fold) == ({"max_tokens": 7}, object)
    assert (once.prompt({}), once.answer({})) == (Api().prompt({}), Api().answer({}))


@pytest.mark.parametrize(
    ("response", "usages"),
    [
        ({"id": "r", "usage": Usage(9)}, [Usage(9), Usage(9)]),  # the call itself
        ({"operation": "chat", "usage": Usage(9)}, [None, None]),  # no id: it may have been counted
        ({"id": "r", "operation": "chat"}, [None, None]),
    ],
)
def test_what_is_no_stored_answer(response, usages):
    once = Once(Api(**response), Counted())
    assert [once.response({}).usage for _ in usages] == usages


def test_an_answer_without_usage_yet_is_counted_when_it_has_some():
    counted = Counted()
    assert Once(Api(id="r", operation="chat"), counted).response({}).usage is None
    assert Once(Api(id="r", operation="chat", usage=Usage(9)), counted).response({}).usage == Usage(9)


def test_the_first_reading_of_what_nobody_counted_is_the_model_call():
    counted = Counted()
    fetched = Fetched(Api(id="r", operation="chat", usage=Usage(9)), counted)
    first, second = fetched.response({}), fetched.response({})
    assert (first.operation, first.usage) == ("chat", Usage(9))
    assert (second.operation, second.usage) == (None, None)
    alone = Fetched(Api(id="s", usage=Usage(9)), counted).response({})
    assert (alone.operation, alone.usage) == (None, None)
    assert fetched.prompt({}) == ([], [], [])
    assert fetched.answer({}) == Api().answer({})


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"id": "r"}, {"response_id": "r"}),
        ({"id": "r", "starting_after": 0}, {"response_id": "r", "stream_cursor": "0"}),
        ({"id": "r", "starting_after": "e"}, {"response_id": "r", "stream_cursor": "e"}),
        ({"id": "r", "starting_after": None}, {"response_id": "r"}),
        ({}, {"response_id": ""}),
    ],
)
def test_which_answer_is_read(body, expected):
    assert Fetched(Api(), Counted()).params(body) == expected


def test_a_request_refers_to_nothing_when_its_call_is_over():
    request = Request(Route(Api(), Key("chat", "p", "m", "h", 1, False)), {"a": 1}, {"k": "v"}, "https://h")
    assert (request.params, request.lines, request.hides) == ({}, False, None)
    assert request.after({"old": 1}, {"new": 1}) == {"new": 1}
    assert list(request.events(b"data: a\n\n")) == [b"a"]
    request.params = {"max_tokens": 7}
    request.let_go()
    assert (request.body, request.url, dict(request.headers), request.params) == (None, None, {}, {})
