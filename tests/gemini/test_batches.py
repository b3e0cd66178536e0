"""Batches: their usage counts once, when the answers are first read, in the job or in a file."""

from __future__ import annotations

import asyncio
import inspect
import io
import json
import re

import pytest
from google.genai import types

from tests.support import surfaces, verdict
from tests.support.provider import Reply
from tests.support.telemetry import Counts

MODEL = "gemini-2.5-flash"


def generated(prompt, out, thoughts=0):
    usage = {"promptTokenCount": prompt, "candidatesTokenCount": out, "totalTokenCount": prompt + out + thoughts}
    usage |= {"thoughtsTokenCount": thoughts} if thoughts else {}
    content = {"role": "model", "parts": [{"text": "an answer"}]}
    candidate = {"content": content, "finishReason": "STOP"}
    return {"response": {"candidates": [candidate], "usageMetadata": usage, "modelVersion": f"{MODEL}-001"}}


def embedded(tokens):
    return {"response": {"tokenCount": tokens, "embedding": {"values": [0.5, 0.25]}}}


FAILED = {"error": {"code": 3, "message": "bad request"}}
ANSWERS = [generated(11, 7), FAILED, generated(12, 8, thoughts=6)]


def job(state, answers=(), name="batches/b1", kind="inlinedResponses", places=("output", "response"), **more):
    metadata = {"model": f"models/{MODEL}", "displayName": "nightly", "state": f"BATCH_STATE_{state}"}
    output = {kind: {"inlinedResponses": list(answers)}} if answers else more.pop("output", None)
    found = {"name": name, "metadata": metadata, **more}
    if output and "output" in places:
        metadata["output"] = output
    if output and "response" in places:
        found["response"] = output
    return Reply(body=found)


@pytest.fixture(autouse=True)
def new_names(instrumentor):
    """Each test is a new instrumentation, which has counted nothing."""
    assert not instrumentor.is_instrumented_by_opentelemetry


def counted(telemetry):
    verdict.sound_but_traces(telemetry)
    return [span for span in telemetry.spans if "mlflow.chat.tokenUsage" in span.attributes]


@pytest.mark.parametrize("places", [("output",), ("response",), ("output", "response")])
def test_usage_of_a_job_counts_on_the_first_reading_that_has_it(install, provider, client, places):
    telemetry = install()
    done = job("SUCCEEDED", ANSWERS, places=places)
    provider.script(job("PENDING"), job("RUNNING"), done, done)
    for _ in range(4):
        client.batches.get(name="batches/b1")
    assert [verdict.operation(span) for span in telemetry.spans] == [
        *["fetch_response"] * 2,
        "generate_content",
        "fetch_response",
    ]
    (first,) = counted(telemetry)
    assert telemetry.usage() == telemetry.measured() == Counts(23, 21)
    assert first.name == f"generate_content {MODEL}"
    assert first.attributes["gen_ai.response.model"] == f"{MODEL}-001"
    assert first.attributes["gen_ai.usage.reasoning.output_tokens"] == 6
    assert [span.attributes["gen_ai.response.status"] for span in telemetry.spans] == [
        *("queued", "in_progress", "completed", "completed")
    ]
    assert {span.attributes["gen_ai.response.id"] for span in telemetry.spans} == {"batches/b1"}
    assert [verdict.failed(span) for span in telemetry.spans] == [None] * 4


def test_another_client_and_the_asynchronous_twin_count_nothing_again(install, provider, client):
    telemetry = install()
    provider.script(*[job("SUCCEEDED", ANSWERS)] * 2)
    client.batches.get(name="batches/b1")
    other = surfaces.make_client(provider.url)

    async def read():
        await other.aio.batches.get(name="batches/b1")
        await other.aio.aclose()

    asyncio.run(read())
    other.close()
    assert len(counted(telemetry)) == 1
    assert len(telemetry.spans) == 2


def test_answers_that_come_while_a_job_runs_count_as_they_come(install, provider, client):
    telemetry = install()
    provider.script(job("RUNNING", ANSWERS[:1]), job("RUNNING", ANSWERS[:2]), job("SUCCEEDED", ANSWERS))
    for _ in range(3):
        client.batches.get(name="batches/b1")
    assert [span.attributes.get("gen_ai.usage.input_tokens") for span in telemetry.spans] == [11, None, 12]
    assert telemetry.usage() == telemetry.measured() == Counts(23, 21)


@pytest.mark.parametrize("state", ["CANCELLED", "EXPIRED"])
def test_a_job_that_was_given_up_counts_what_it_cost(install, provider, client, state):
    telemetry = install()
    provider.script(job(state, ANSWERS, error={"code": 1, "message": "given up"}))
    client.batches.get(name="batches/b1")
    (span,) = counted(telemetry)
    assert telemetry.usage() == Counts(23, 21)
    assert verdict.failed(span) is None
    assert span.attributes["gen_ai.response.status"] == {"CANCELLED": "cancelled", "EXPIRED": "failed"}[state]


def test_a_job_that_failed_is_an_error(install, provider, client):
    telemetry = install()
    provider.script(job("FAILED", error={"code": 13, "status": "INTERNAL", "message": "broken"}))
    client.batches.get(name="batches/b1")
    (span,) = telemetry.spans
    assert verdict.failed(span) == "INTERNAL"
    assert counted(telemetry) == []


def test_a_listing_counts_what_nobody_has_read_yet(install, provider, client):
    telemetry = install()
    jobs = [
        job("SUCCEEDED", ANSWERS).body,
        job("SUCCEEDED", [generated(5, 5)], "batches/b2").body,
        job("RUNNING", name="batches/b3").body,
    ]
    provider.script(job("SUCCEEDED", ANSWERS), Reply(body={"operations": jobs}), Reply(body={"operations": jobs}))
    client.batches.get(name="batches/b1")
    assert len(list(client.batches.list())) == 3
    assert len(list(client.batches.list())) == 3
    assert [span.attributes.get("gen_ai.usage.input_tokens") for span in telemetry.spans] == [23, 5, None]
    assert len(counted(telemetry)) == 2


@pytest.mark.parametrize("answers", [[embedded("5"), FAILED, embedded(7)]])
def test_a_job_of_embeddings(install, provider, client, answers):
    telemetry = install()
    provider.script(job("SUCCEEDED", answers, kind="inlinedEmbedContentResponses"))
    client.batches.get(name="batches/b1")
    (span,) = counted(telemetry)
    assert verdict.operation(span) == "embeddings"
    assert telemetry.usage() == telemetry.measured() == Counts(12, 0)


@pytest.mark.skipif(not hasattr(types, "JobState"), reason="not in this version of google-genai")
def test_a_job_of_vertex_has_its_answers_elsewhere(install, provider):
    telemetry = install()
    made = surfaces.make_client(provider.url, "vertex-credentials")
    name = "projects/project-1/locations/europe-west4/batchPredictionJobs/42"
    provider.script(Reply(body={"name": name, "state": "JOB_STATE_SUCCEEDED", "model": "publishers/google/models/m"}))
    made.batches.get(name=name)
    made.close()
    (span,) = telemetry.spans
    assert (verdict.operation(span), span.attributes["gen_ai.provider.name"]) == ("fetch_response", "gcp.vertex_ai")
    assert span.attributes["gen_ai.response.status"] == "completed"


def test_making_and_giving_up_a_job_is_no_model_call(install, provider, client):
    telemetry = install()
    client.batches.create(model=MODEL, src=[{"contents": "a question"}])
    provider.script(Reply(body={}))
    client.batches.cancel(name="batches/b1")
    assert telemetry.spans == []


# Answers in a file

FILE = "\n".join(json.dumps({"key": str(n), **answer}) for n, answer in enumerate(ANSWERS)).encode()


async def _download_twice(client, asked):
    found = [await client.aio.files.download(file="files/batch-b1", **asked) for _ in range(2)]
    await client.aio.aclose()
    return found


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("to", ["memory", "path", "writer"])
def test_a_file_of_answers_counts_once(install, provider, client, tmp_path, to, mode):
    if to != "memory" and "destination" not in _parameters(client.files.download):
        pytest.skip("this version of google-genai downloads into memory")
    writer, path = io.BytesIO(), tmp_path / "answers.jsonl"
    destination = {"memory": None, "path": path, "writer": writer}[to]

    def program():
        provider.script(job("SUCCEEDED", output={"responsesFile": "files/batch-b1"}), *[Reply(body=FILE)] * 2)
        made = surfaces.make_client(provider.url)
        assert made.batches.get(name="batches/b1").dest.file_name == "files/batch-b1"
        asked = {} if destination is None else {"destination": destination}
        if mode == "async":
            results = asyncio.run(_download_twice(made, asked))
        else:
            results = [made.files.download(file="files/batch-b1", **asked) for _ in range(2)]
        made.close()
        written = {"memory": b"", "path": path.read_bytes() if path.exists() else b"", "writer": writer.getvalue()}[to]
        writer.seek(0)
        writer.truncate()
        return results, written

    bare = program()
    telemetry = install()
    assert program() == bare
    assert [verdict.operation(span) for span in telemetry.spans] == [
        *("fetch_response", "generate_content", "fetch_response")
    ]
    (span,) = counted(telemetry)
    assert telemetry.usage() == telemetry.measured() == Counts(23, 21)
    assert span.name == f"generate_content {MODEL}"
    assert span.attributes["gen_ai.response.id"] == "files/batch-b1"
    assert span.attributes["server.port"] == provider.port
    assert span.start_time < span.end_time


def _parameters(method):
    return inspect.signature(method).parameters


def test_a_file_of_a_job_that_nobody_read(install, provider, client):
    telemetry = install()
    provider.script(Reply(body=FILE))
    client.files.download(file="files/batch-b9")
    assert telemetry.usage() == Counts(23, 21)
    (span,) = counted(telemetry)
    assert span.attributes["gen_ai.response.model"] == f"{MODEL}-001"


@pytest.mark.parametrize("body", [b"\x00\x00\x00\x18ftypmp42", b'{"a": 1}', b"", b"{not json\n"])
def test_other_files_have_no_span(install, provider, client, body):
    telemetry = install()
    provider.script(Reply(body=body))
    assert client.files.download(file="files/other") == body
    assert telemetry.spans == []


def test_a_download_that_fails_raises_as_before(install, provider, client):
    def program():
        provider.script(Reply(status=404, body={"error": {"code": 404, "message": "gone", "status": "NOT_FOUND"}}))
        with pytest.raises(Exception) as raised:
            client.files.download(file="files/batch-b1")
        return type(raised.value), re.sub(r"0x\w+", "", str(raised.value))

    bare = program()
    telemetry = install()
    assert program() == bare
    assert telemetry.spans == []
