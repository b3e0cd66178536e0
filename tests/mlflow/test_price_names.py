"""The names of models that the exporter sends, against the price list in the installed ``mlflow`` package."""

from __future__ import annotations

import json
import re
from functools import cache

import pytest

from genspan.mlflow.price_names import listed_model, listed_provider
from genspan.mlflow.span_copy import to_mlflow
from tests.support.mlflow_server import environment
from tests.support.recordings import FOLDER, MISSING
from tests.support.spans import ended_span


@cache
def prices(provider):
    (folder,) = environment().glob("lib/python3*/site-packages/mlflow/utils/model_catalog")
    found = folder / f"{provider}.json"
    return json.loads(found.read_text())["models"] if found.exists() else {}


def found(provider, model):
    """Whether MLflow finds the model with this provider. It leaves out what stands before the first slash."""
    return model.split("/", 1)[-1] in prices(provider)


CASES = {
    "snapshot": ("openai", "gpt-4o", "gpt-4o-2024-08-06", "gpt-4o-2024-08-06"),
    "alias": ("anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5-20250929"),
    "no answer": ("openai", "gpt-4.1-mini", None, "gpt-4.1-mini"),
    "resource": ("gemini", "models/gemini-embedding-001", None, "gemini-embedding-001"),
    "resource of Vertex AI": (
        *("vertex_ai", "projects/p/locations/l/publishers/google/models/gemini-2.5-flash", None),
        "gemini-2.5-flash",
    ),
    "OpenAI's endpoint of Vertex AI": ("vertex_ai", "google/gemini-2.5-flash", None, "gemini-2.5-flash"),
    "others on Vertex AI": (
        *("vertex_ai", "meta/llama-3.1-405b-instruct-maas", None),
        "vertex_ai/meta/llama-3.1-405b-instruct-maas",
    ),
    "Claude on Vertex AI": (
        *("vertex_ai", "claude-haiku-4-5@20251001", "claude-haiku-4-5-20251001"),
        "claude-haiku-4-5@20251001",
    ),
    "Azure deployment": ("azure", "my-deployment", "gpt-4o-mini-2024-07-18", "gpt-4o-mini-2024-07-18"),
    "Bedrock": (
        *("bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5-20250929"),
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
    ),
    "region of Bedrock": (
        *("bedrock", "us.anthropic.claude-3-5-haiku-20241022-v1:0", "claude-3-5-haiku-20241022"),
        "us.anthropic.claude-3-5-haiku-20241022-v1:0",
    ),
    "ARN of Bedrock": (
        "bedrock",
        "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-3-5-haiku-20241022-v1:0",
        "claude-3-5-haiku-20241022",
        "eu.anthropic.claude-3-5-haiku-20241022-v1:0",
    ),
    "Groq": ("groq", "openai/gpt-oss-120b", "openai/gpt-oss-120b", "groq/openai/gpt-oss-120b"),
    "Groq's own": ("groq", "llama-3.3-70b-versatile", None, "llama-3.3-70b-versatile"),
    "OpenRouter": (
        *("openrouter", "anthropic/claude-sonnet-4.5", "anthropic/claude-4.5-sonnet-20250929"),
        "openrouter/anthropic/claude-sonnet-4.5",
    ),
    "DeepSeek": ("deepseek", "deepseek-chat", "deepseek-chat", "deepseek-chat"),
    "Mistral": ("mistral", "mistral-large-latest", "mistral-large-latest", "mistral-large-latest"),
}


@pytest.mark.parametrize(("provider", "requested", "answered", "name"), CASES.values(), ids=CASES)
def test_a_price_is_found(provider, requested, answered, name):
    assert listed_model(provider, requested, answered) == name
    assert found(provider, name)


@pytest.mark.parametrize(
    ("provider", "requested", "answered", "name"),
    [
        ("text-completion-openai", None, "gpt-3.5-turbo-instruct:20230824-v2", "gpt-3.5-turbo-instruct"),
        ("cohere_chat", "command-r", None, "command-r"),
    ],
)
def test_a_price_is_found_in_another_list(provider, requested, answered, name):
    assert listed_model("openai", requested, answered) == name
    assert found(provider, name)


def test_what_the_list_does_not_have_stays_as_it_is():
    profile = "arn:aws:bedrock:eu-west-1:1:application-inference-profile/a1b2c3"
    assert listed_model("bedrock", profile, "claude-3-5-haiku-20241022") == "claude-3-5-haiku-20241022"
    assert listed_model("openai", "ft:gpt-4o-mini-2024-07-18:acme::1", None) == "ft:gpt-4o-mini-2024-07-18:acme::1"
    assert listed_model("openai", None, None) is None
    assert listed_provider("cohere", "CHAT_MODEL") == "cohere_chat"
    assert listed_provider("cohere", "EMBEDDING") == "cohere"


def test_the_exporter_sends_them_and_the_span_keeps_its_own():
    names = {"gen_ai.request.model": "openai/gpt-oss-120b", "mlflow.llm.model": "openai/gpt-oss-120b"}
    span = ended_span("chat", {**names, "mlflow.llm.provider": "groq"})
    sent = to_mlflow(span).attributes
    assert (sent["mlflow.llm.provider"], sent["mlflow.llm.model"]) == ("groq", "groq/openai/gpt-oss-120b")
    assert span.attributes["mlflow.llm.model"] == sent["gen_ai.request.model"] == "openai/gpt-oss-120b"


def test_a_model_that_the_program_set_itself_is_kept():
    own = {"gen_ai.request.model": "a/b", "mlflow.llm.model": "c/d", "mlflow.llm.provider": "groq"}
    assert to_mlflow(ended_span("chat", own)).attributes["mlflow.llm.model"] == "c/d"


RETIRED = {
    *("claude-2.1", "claude-3-5-haiku-20241022", "claude-3-5-haiku-latest", "claude-3-5-sonnet-20240620"),
    *(
        "claude-instant-1.2",
        "davinci",
        "gemini-1.5-pro",
        "gemini-2.0-flash-exp",
        "gpt-3.5-turbo-0301",
        "gpt-4-1106-vision-preview",
    ),
    *("gpt-4o-transcribe", "omni-moderation-latest"),
}
"""What the list has under no name, or no longer has."""
LISTS = {"openai": "openai", "anthropic": "anthropic", "azure": "azure", "gemini": "gemini", "vertex": "vertex_ai"}
ANSWERED = re.compile(r'\\?"model(?:Version)?\\?"\s*:\s*\\?"([^"\\]{2,80})')


@pytest.mark.skipif(not (FOLDER / "index.json").exists(), reason=MISSING)
def test_recorded_models_have_a_price_if_the_list_has_one():
    anywhere = {model for one in prices_of_all() for model in one}
    unpriced: set[str] = set()
    for entry in json.loads((FOLDER / "index.json").read_text("utf-8"))["recordings"]:
        if entry["status"] == 200 and entry["provider"] in LISTS:
            answer = json.dumps(json.loads((FOLDER / entry["file"]).read_text("utf-8"))["response"])
            name = next(iter(ANSWERED.findall(answer)[::-1]), None)
            listed = listed_model(LISTS[entry["provider"]], entry["model"], name)
            if listed and not found(LISTS[entry["provider"]], listed) and listed.split("/", 1)[-1] not in anywhere:
                unpriced.add(listed)
    assert unpriced <= RETIRED


def prices_of_all():
    (folder,) = environment().glob("lib/python3*/site-packages/mlflow/utils/model_catalog")
    return [prices(one.stem) for one in folder.glob("*.json")]
