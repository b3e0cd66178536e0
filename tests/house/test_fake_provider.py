"""The fake provider as the bare SDK sees it: answers, faults, and a ledger that says what went out."""

# No postponed annotations here: google-genai on Python 3.10 calls a function only if its annotations are types.

import asyncio
import contextlib
import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from google import genai
from google.genai import errors, types
from google.oauth2.credentials import Credentials

from tests.support.provider import FakeProvider, Reply

MODEL = "gemini-2.5-flash"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def running():
    with FakeProvider() as provider:
        yield provider


@pytest.fixture
def provider(running):
    running.reset()
    return running


@pytest.fixture(scope="module")
def client(running):
    with genai.Client(api_key="a-secret-key", http_options=types.HttpOptions(base_url=running.url)) as made:
        yield made


@pytest.fixture
def generate(client, provider):
    def call(contents, **config):
        return client.models.generate_content(model=MODEL, contents=contents, config=config or None)

    return call


@pytest.fixture
def stream(client, provider):
    def call(contents, **config):
        return client.models.generate_content_stream(model=MODEL, contents=contents, config=config or None)

    return call


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"It is sunny in {city}."


def multiply(first: int, second: int) -> int:
    """The product of two whole numbers."""
    return first * second


def _bill(usage):
    """Input and output by the plain definition, from what the SDK returned."""
    given = usage.prompt_token_count, usage.tool_use_prompt_token_count
    made = usage.candidates_token_count, usage.thoughts_token_count
    return sum(filter(None, given)), sum(filter(None, made))


# Answers


def test_text_and_ledger(provider, generate):
    response = generate("Hello there")
    assert "Hello there" in response.text
    assert response.candidates[0].finish_reason == "STOP"
    assert response.model_version == MODEL
    entry = provider.ledger[0]
    assert (entry.api, entry.model, entry.status, entry.stream, entry.complete) == (
        "generateContent",
        MODEL,
        200,
        False,
        True,
    )
    assert (entry.bill.input, entry.bill.output) == _bill(response.usage_metadata)
    assert entry.bill.total == response.usage_metadata.total_token_count
    assert entry.headers["x-goog-api-key"] == "a-secret-key"
    assert b"Hello there" in entry.raw


def test_stream_has_cumulative_usage_and_one_end(provider, stream):
    chunks = list(stream("Hello"))
    assert len(chunks) > 2
    totals = [chunk.usage_metadata.total_token_count for chunk in chunks]
    assert totals == sorted(totals)
    assert [chunk.candidates[0].finish_reason for chunk in chunks] == [None] * (len(chunks) - 1) + ["STOP"]
    entry = provider.ledger[0]
    assert (entry.stream, entry.complete, entry.sent) == (True, True, len(chunks))
    assert (entry.bill.input, entry.bill.output) == _bill(chunks[-1].usage_metadata)


def test_plain_and_stream_bill_the_same(provider, generate, stream):
    generate("The same question", candidate_count=2)
    list(stream("The same question", candidate_count=2))
    first, second = provider.ledger
    assert first.usage == second.usage


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_functions_are_called_and_answered(provider, client):
    chat = client.chats.create(model=MODEL, config={"tools": [get_weather, multiply]})
    response = chat.send_message("What is the weather in New York?")
    assert "sunny in New York" in response.text
    assert len(provider.ledger) == 2
    assert provider.ledger.total().total == sum(entry.bill.total for entry in provider.ledger)
    assert "42" in chat.send_message("Please multiply 6 and 7").text


def test_several_function_calls_at_once_and_in_rounds(provider, client):
    chat = client.chats.create(model=MODEL, config={"tools": [get_weather, multiply]})
    chat.send_message("Tell me something [[parallel=2]][[rounds=2]]")
    assert len(provider.ledger) == 3
    assert [len(entry.body["contents"]) for entry in provider.ledger] == [1, 3, 5]


def test_function_calling_may_be_forbidden(generate):
    tools = [types.Tool(function_declarations=[types.FunctionDeclaration(name="get_weather", parameters=None)])]
    forbidden = types.ToolConfig(function_calling_config=types.FunctionCallingConfig(mode="NONE"))
    assert generate("weather?", tools=tools).function_calls[0].name == "get_weather"
    assert not generate("weather?", tools=tools, tool_config=forbidden).function_calls


def test_structured_output(generate):
    schema = {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "size": {"type": "integer"},
            "tags": {"type": "array", "items": {"type": "string", "enum": ["old", "new"]}},
        },
    }
    response = generate("Describe", response_mime_type="application/json", response_json_schema=schema)
    assert json.loads(response.text) == {"city": "Paris", "size": 3, "tags": ["old"]}


def test_images(generate):
    made = generate("Draw a square", response_modalities=["TEXT", "IMAGE"])
    image = made.candidates[0].content.parts[1].inline_data
    assert image.mime_type == "image/png"
    assert image.data.startswith(b"\x89PNG")
    seen = generate(["What is this?", types.Part.from_bytes(data=image.data, mime_type="image/png")])
    assert "image/png" in seen.text
    assert {detail.modality for detail in seen.usage_metadata.prompt_tokens_details} == {"TEXT", "IMAGE"}


def test_thoughts(provider, generate):
    response = generate("Think", thinking_config={"include_thoughts": True})
    assert response.candidates[0].content.parts[0].thought
    assert response.usage_metadata.thoughts_token_count
    assert provider.ledger[0].bill.output > response.usage_metadata.candidates_token_count
    unthinking = generate("Do not", thinking_config={"thinking_budget": 0})
    assert unthinking.usage_metadata.thoughts_token_count is None


def test_cached_content_is_part_of_the_input(provider, generate):
    usage = generate("And now?", cached_content="cachedContents/1").usage_metadata
    assert usage.cached_content_token_count == provider.ledger[0].bill.cached == 2048
    assert usage.prompt_token_count > 2048


def test_search_and_code_execution(provider, generate):
    found = generate("News?", tools=[types.Tool(google_search=types.GoogleSearch())])
    assert found.candidates[0].grounding_metadata.grounding_chunks
    assert provider.ledger[0].bill.input == 37 + found.usage_metadata.prompt_token_count
    ran = generate("6 * 7?", tools=[types.Tool(code_execution=types.ToolCodeExecution())])
    assert ran.code_execution_result == "42\n"


def test_candidates_and_length(generate):
    assert len(generate("Choose", candidate_count=3).candidates) == 3
    assert generate("Long", max_output_tokens=5).candidates[0].finish_reason == "MAX_TOKENS"


def test_blocked_prompt(generate):
    response = generate("BLOCK this")
    assert response.prompt_feedback.block_reason == "PROHIBITED_CONTENT"
    assert not response.candidates


@pytest.mark.parametrize("streaming", [False, True])
def test_continuation(provider, generate, stream, streaming):
    list(stream("Go on [[hops=2]]")) if streaming else generate("Go on [[hops=2]]")
    assert len(provider.ledger) == 3
    assert "continuationToken" in provider.ledger[2].body


def test_vertex_behind_a_gateway(provider):
    options = types.HttpOptions(base_url=provider.url + "/gateway/vertex")
    credentials = Credentials(token="a-token")
    with genai.Client(
        vertexai=True, project="p", location="l", credentials=credentials, http_options=options
    ) as client:
        response = client.models.generate_content(model=MODEL, contents="Hello")
        assert response.create_time
        client.models.embed_content(model="text-embedding-005", contents="Hello")
        client.models.compute_tokens(model=MODEL, contents="Hello there")
    assert provider.ledger[0].headers["Authorization"] == "Bearer a-token"
    assert [entry.api for entry in provider.ledger] == ["generateContent", "predict", "computeTokens"]
    assert provider.ledger[1].bill.total == provider.ledger[1].bill.input > 0


def test_other_calls(provider, client):
    assert client.models.count_tokens(model=MODEL, contents="Hello there").total_tokens == 3
    assert len(client.models.embed_content(model="gemini-embedding-001", contents=["a", "b"]).embeddings) == 2
    cache = client.caches.create(model=MODEL, config={"contents": ["long"], "display_name": "mine"})
    assert client.caches.get(name=cache.name).name == cache.name
    client.caches.delete(name=cache.name)
    done = client.interactions.create(model=MODEL, input="Hello")
    assert [entry.billed for entry in provider.ledger] == [False, True, False, False, False, True]
    assert provider.ledger[-1].bill.total == done.usage.total_tokens
    events = list(client.interactions.create(model=MODEL, input="Hello", stream=True))
    assert events[-1].interaction.usage.total_tokens == provider.ledger[-1].bill.total


# Faults


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
def test_error_bodies(provider, generate, status):
    with pytest.raises(errors.APIError) as raised:
        generate(f"[[status={status}]][[message=no]]")
    assert (raised.value.code, raised.value.message) == (status, "no")
    assert not provider.ledger.billed
    assert provider.ledger.total().total == 0


def test_errors_may_echo_secrets(generate):
    with pytest.raises(errors.ClientError, match="a-secret-key"):
        generate("[[status=400]][[echo=key]]")
    with pytest.raises(errors.ClientError, match="my own words"):
        generate("my own words [[status=400]][[echo=prompt]]")


def test_unknown_model(client, provider):
    with pytest.raises(errors.ClientError, match="is not found") as raised:
        client.models.generate_content(model="no-such-model", contents="x")
    assert raised.value.code == 404


def test_retry_after(provider, client):
    provider.script(Reply(status=429, retry_after="0"), {"status": 503}, Reply(text="at last"))
    retry = types.HttpRetryOptions(attempts=3, initial_delay=0.01, max_delay=0.01, jitter=0)
    config = {"http_options": types.HttpOptions(retry_options=retry)}
    assert client.models.generate_content(model=MODEL, contents="x", config=config).text == "at last"
    assert [entry.status for entry in provider.ledger] == [429, 503, 200]
    assert provider.unused == 0


@pytest.mark.parametrize("body", ["null", "[1]", "7", '"text"', "{}", '{"candidates": null}', "<html>", ""])
def test_bodies_as_they_are(provider, generate, body):
    provider.script(Reply(body=body.encode()))
    with contextlib.suppress(ValueError, AttributeError, TypeError):  # what the SDK makes of it is its own business
        generate("x")
    assert provider.ledger[0].complete
    assert not provider.ledger[0].billed


def test_usage_of_odd_types_is_not_counted(provider, generate):
    provider.script(Reply(body={"usageMetadata": {"promptTokenCount": "many", "candidatesTokenCount": 3}}))
    with pytest.raises(ValueError, match="promptTokenCount"):
        generate("x")
    assert provider.ledger[0].bill.total == 3


def test_usage_can_be_left_out_or_replaced(provider, generate, stream):
    provider.script(Reply(usage=None), Reply(usage={"promptTokenCount": 5}))
    assert generate("x").usage_metadata is None
    assert list(stream("x"))[-1].usage_metadata.prompt_token_count == 5
    assert [entry.billed for entry in provider.ledger] == [False, True]


@pytest.mark.parametrize("fault", ["cut", "cut-mid"])
def test_stream_cut(provider, stream, fault):
    chunks = stream(f"Hello [[{fault}=2]]")
    received = [next(chunks), next(chunks)]
    with pytest.raises(Exception, match="incomplete chunked read"):
        next(chunks)
    entry = provider.ledger[0]
    assert (entry.sent, entry.complete) == (2, False)
    assert (entry.bill.input, entry.bill.output) == _bill(received[-1].usage_metadata)


def test_plain_answer_cut(provider, generate):
    with pytest.raises(Exception, match="closed"):
        generate("Hello [[cut]]")
    assert not provider.ledger[0].complete
    assert not provider.ledger[0].billed


def test_error_inside_a_stream(provider, stream):
    chunks = stream("Hello [[error-in-stream=1]][[error-status=429]]")
    next(chunks)
    with pytest.raises(errors.APIError) as raised:
        next(chunks)
    assert raised.value.code == 429
    assert not provider.ledger[0].complete


@pytest.mark.parametrize("fault", ["endless", "hold=1", "slow=5"])
def test_client_leaves_a_stream(provider, stream, fault):
    chunks = stream(f"Hello [[{fault}]]")
    next(chunks)
    chunks.close()
    assert not provider.ledger[0].complete


def test_no_answer_at_all(provider, generate):
    with pytest.raises(Exception, match="disconnected"):
        generate("[[hang=0.05]]")
    assert provider.ledger[0].status == 0


def test_script_may_look_at_the_request(provider, generate):
    provider.script(lambda request: Reply(text=request.body["contents"][0]["parts"][0]["text"].upper()))
    assert generate("quiet").text == "QUIET"


def test_header_chooses_the_answer(client, provider):
    config = {"http_options": types.HttpOptions(headers={"x-fake-status": "403"})}
    with pytest.raises(errors.ClientError):
        client.models.generate_content(model=MODEL, contents="x", config=config)


def test_raw_chunks_and_frames(provider, stream):
    chunk = {"candidates": [{"content": {"parts": [{"text": "hi"}]}}], "usageMetadata": {"promptTokenCount": 2}}
    frame = b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n"
    provider.script(Reply(chunks=[chunk, chunk]), Reply(frames=[frame]))
    assert [one.text for one in stream("x")] == ["hi", "hi"]
    assert [one.text for one in stream("x")] == ["hi"]
    assert [entry.bill.input for entry in provider.ledger] == [2, 2]


def test_stream_as_json_array(provider):
    url = f"{provider.url}/v1beta/models/{MODEL}:streamGenerateContent"
    body = json.dumps({"contents": [{"parts": [{"text": "Hello"}]}]}).encode()
    with urllib.request.urlopen(urllib.request.Request(url, body, method="POST"), timeout=10) as response:
        assert json.load(response)[-1]["candidates"][0]["finishReason"] == "STOP"


# Use


async def test_async_and_many_at_once(provider):
    async with genai.Client(api_key="k", http_options=types.HttpOptions(base_url=provider.url)).aio as client:
        calls = [client.models.generate_content(model=MODEL, contents=f"call {number}") for number in range(20)]
        answers = await asyncio.gather(*calls)
    assert sum(answer.usage_metadata.total_token_count for answer in answers) == provider.ledger.total().total


def test_leaves_no_thread_behind():
    before = threading.active_count()
    with FakeProvider() as provider:
        urllib.request.urlopen(f"{provider.url}/_ledger", timeout=10).close()
    assert threading.active_count() == before
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{provider.url}/_ledger", timeout=10)


def test_as_a_program():
    command = [sys.executable, "-m", "tests.support.provider", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as program:
        try:
            url = program.stdout.readline().strip()
            with genai.Client(api_key="k", http_options=types.HttpOptions(base_url=url)) as client:
                client.models.generate_content(model=MODEL, contents="Hello")
            with urllib.request.urlopen(f"{url}/_ledger", timeout=10) as response:
                ledger = json.load(response)
            assert ledger["total"]["total"] == ledger["entries"][0]["total"] > 0
            urllib.request.urlopen(urllib.request.Request(f"{url}/_reset", method="POST"), timeout=10).close()
            with urllib.request.urlopen(f"{url}/_ledger", timeout=10) as response:
                assert not json.load(response)["entries"]
        finally:
            program.terminate()
            program.wait(10)


def test_knows_nothing_of_the_instrumentation():
    for path in (ROOT / "tests" / "support" / "provider").rglob("*.py"):
        assert "genspan" not in path.read_text("utf-8")
