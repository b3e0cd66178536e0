"""Caches of google-generativeai: what one holds is an attribute, what a call reads of it a part of its input."""

from __future__ import annotations

from datetime import timedelta

import google.generativeai as genai
import pytest
from google.generativeai import caching

from tests.support import verdict
from tests.support.telemetry import Counts

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

MODEL = "gemini-1.5-flash-001"
CACHE = {
    "name": "cachedContents/c1",
    "model": f"models/{MODEL}",
    "displayName": "manual",
    **dict.fromkeys(("createTime", "updateTime", "expireTime"), "2026-01-01T00:00:00Z"),
    "usageMetadata": {"totalTokenCount": 50000},
}
USAGE = {
    "promptTokenCount": 50012,
    "candidatesTokenCount": 9,
    "totalTokenCount": 50021,
    "cachedContentTokenCount": 50000,
}


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_a_cache_that_is_made_read_used_and_deleted(install, service, transport):
    def answer(method, request):
        if method == "GenerateContent":
            content = {"role": "model", "parts": [{"text": "from the manual"}]}
            return {"candidates": [{"content": content, "finishReason": "STOP"}], "usageMetadata": USAGE}
        return {} if method.startswith("Delete") else CACHE

    service.answer = answer
    options = {"api_endpoint": service.url if transport == "rest" else service.address}
    genai.configure(api_key="AIzaSy-key", client_options=options, transport=transport)
    telemetry = install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")
    cache = caching.CachedContent.create(model=f"models/{MODEL}", contents=["a long manual"])
    read = caching.CachedContent.get("c1")
    read.update(ttl=timedelta(hours=2))
    assert genai.GenerativeModel.from_cached_content(cache).generate_content("What?").text == "from the manual"
    cache.delete()
    verdict.sound_but_traces(telemetry)
    operations = ["create_cache", "get_cache", "update_cache", "generate_content"]
    assert [span.name for span in telemetry.spans] == [f"{operation} {MODEL}" for operation in operations]
    *caches, call = telemetry.spans
    for span in caches:
        assert span.attributes["gcp.gen_ai.cache.total_tokens"] == 50000
        assert span.attributes["gen_ai.response.id"] == "cachedContents/c1"
        assert not [name for name in span.attributes if "usage" in name.lower()]
    assert b"a long manual" in telemetry.exported()
    assert call.attributes["gen_ai.usage.cache_read.input_tokens"] == 50000
    assert telemetry.usage() == service.billed() == Counts(50012, 9)


def test_a_cache_that_is_gone(install, service):
    from tests.support.generativelanguage import Failure

    service.answer = lambda method, request: Failure("PERMISSION_DENIED")
    genai.configure(api_key="AIzaSy-key", client_options={"api_endpoint": service.address})
    telemetry = install()
    with pytest.raises(Exception, match="scripted failure"):
        caching.CachedContent.get("c9")
    (span,) = telemetry.spans
    assert (verdict.operation(span), verdict.failed(span)) == ("get_cache", "PERMISSION_DENIED")
    assert span.attributes["gen_ai.response.id"] == "cachedContents/c9"
