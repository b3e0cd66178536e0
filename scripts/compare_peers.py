"""Reproduce the table "How it compares" of the README: each peer in an environment of its own, one fake Gemini API.

    python scripts/compare_peers.py [PEER...]

Needs uv and the network (about 2 GB of packages); the environments stay in ``.cache/peers``. The API answers with
numbers by which the ways of counting differ: thoughts and tool-use prompts beside candidates and prompts.
"""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SDK = "google-genai==3.4.0"
PEERS = {
    "genspan": [str(ROOT)],
    "autolog": ["mlflow==3.17.2"],
    "OpenTelemetry": ["opentelemetry-instrumentation-google-genai==1.3b0"],
    "OpenLLMetry": ["opentelemetry-instrumentation-google-generativeai>=0.62,<0.63"],
    "OpenInference": ["openinference-instrumentation-google-genai>=1.4,<1.5"],
    "OpenLIT": ["openlit>=1.45,<1.46"],
}
WITHOUT_DEPENDENCIES = {"autolog": ["mlflow==3.18.0"]}
"""Published without the versions of its own parts that it asks for; the wheel holds all of them."""
FIRST = {"promptTokenCount": 100, "candidatesTokenCount": 20, "thoughtsTokenCount": 30, "totalTokenCount": 150}
SECOND = {
    "promptTokenCount": 200,
    "toolUsePromptTokenCount": 8,
    "candidatesTokenCount": 30,
    "thoughtsTokenCount": 20,
    "totalTokenCount": 258,
}


# --- the API


def _answer(parts: list[dict[str, Any]], usage: dict[str, int] | None, reason: str | None = "STOP") -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": parts}, "index": 0}
    if reason:
        candidate["finishReason"] = reason
    found: dict[str, Any] = {"candidates": [candidate], "modelVersion": "gemini-2.5-flash", "responseId": "r"}
    return found | ({"usageMetadata": usage} if usage else {})


class Gemini(BaseHTTPRequestHandler):
    """Asks for ``weather`` where a request has tools and no result yet; else it answers."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        asked = "tools" in body and "functionResponse" not in json.dumps(body["contents"])
        if "streamGenerateContent" in self.path:
            chunks = [_answer([{"text": word}], None, None) for word in "abc"]
            data = "".join(f"data: {json.dumps(one)}\n\n" for one in (*chunks, _answer([{"text": "d"}], SECOND)))
            kind = "text/event-stream"
        else:
            call = [{"functionCall": {"name": "weather", "args": {"city": "Paris"}}}]
            data = json.dumps(_answer(call, FIRST) if asked else _answer([{"text": "Rainy."}], SECOND))
            kind = "application/json"
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data.encode())


# --- in the environment of a peer


def _instrument(peer: str, provider: Any) -> None:
    """Only what the peer's own README asks for."""
    if peer == "genspan":
        from genspan import GeminiInstrumentor

        GeminiInstrumentor().instrument(tracer_provider=provider)
    elif peer == "autolog":
        import mlflow.gemini

        mlflow.set_tracking_uri("sqlite:///mlflow.db")
        mlflow.gemini.autolog()
    elif peer == "OpenTelemetry":
        from opentelemetry.instrumentation.google_genai import GoogleGenAiSdkInstrumentor

        # It asks for google-genai below 3, and does nothing with a later one unless its check is switched off.
        GoogleGenAiSdkInstrumentor().instrument(tracer_provider=provider, skip_dep_check=True)
    elif peer == "OpenLLMetry":
        from opentelemetry.instrumentation.google_generativeai import GoogleGenerativeAiInstrumentor

        GoogleGenerativeAiInstrumentor().instrument(tracer_provider=provider)
    elif peer == "OpenInference":
        from openinference.instrumentation.google_genai import GoogleGenAIInstrumentor

        GoogleGenAIInstrumentor().instrument(tracer_provider=provider)
    else:
        import openlit
        from opentelemetry import trace

        trace.set_tracer_provider(provider)
        openlit.init(disable_metrics=True)


class Spans:
    """A span processor that knows what began and what ended; for autolog, what its store has."""

    def __init__(self, peer: str) -> None:
        self.peer = peer
        self.begun = 0
        self.ended: list[Any] = []

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        self.begun += 1

    def _on_ending(self, span: Any) -> None:
        pass

    def on_end(self, span: Any) -> None:
        self.ended.append(span)

    def shutdown(self) -> None:
        pass

    def force_flush(self, timeout_millis: int = 0) -> bool:
        return True

    def take(self) -> tuple[int, list[dict[str, Any]]]:
        """How many began, and those that ended: name, status, attributes."""
        if self.peer == "autolog":
            return self._stored()
        begun, ended = self.begun, self.ended
        self.begun, self.ended = 0, []
        found = [{"name": s.name, "status": s.status, "attributes": dict(s.attributes or {})} for s in ended]
        return begun, [{**one, "status": one["status"].description or one["status"].status_code.name} for one in found]

    def _stored(self) -> tuple[int, list[dict[str, Any]]]:
        import mlflow

        mlflow.flush_trace_async_logging()
        traces = mlflow.search_traces(return_type="list")
        new, self.ended = traces[: len(traces) - len(self.ended)], traces
        found = []
        for one in new:
            usage = one.info.token_usage or {}
            counts = {f"gen_ai.usage.{side}_tokens": usage.get(f"{side}_tokens") for side in ("input", "output")}
            found += [{"name": s.name, "status": s.status.status_code.name, "attributes": {}} for s in one.data.spans]
            found.append({"name": "trace", "status": "", "attributes": {k: v for k, v in counts.items() if v}})
        return len(found), found


NAMES = {
    "input": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt"),
    "output": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion"),
}


def _usage(spans: list[dict[str, Any]]) -> list[int]:
    """Input and output, summed over spans."""
    sums = [0, 0]
    for span in spans:
        for index, names in enumerate(NAMES.values()):
            sums[index] += next((span["attributes"][name] for name in names if name in span["attributes"]), 0)
    return sums


def weather(city: str) -> str:
    """The weather of a city."""
    return f"rainy in {city}"


def _stream_kind(make: Any) -> str:
    stream = make()
    try:
        next(stream)
        first = "works"
    except TypeError:
        first = "TypeError"
    close = getattr(stream, "close", None)
    if close is not None:
        close()
    return f"{first}, isgenerator {inspect.isgenerator(stream)}"


def probe(peer: str, url: str) -> dict[str, Any]:
    """What a peer records of five calls."""
    from opentelemetry.sdk.trace import TracerProvider

    spans, provider = Spans(peer), TracerProvider()
    provider.add_span_processor(spans)  # pyright: ignore
    _instrument(peer, provider)
    imported = "google.genai" in sys.modules
    from google import genai
    from google.genai import types

    http = types.HttpOptions(base_url=url)
    client = genai.Client(api_key="not-a-key", http_options=http)

    def stream() -> Any:
        return client.models.generate_content_stream(model="gemini-2.5-flash", contents="Hello")

    for _ in stream():
        pass
    whole = spans.take()
    for _ in stream():
        break
    begun, ended = spans.take()
    client.models.generate_content(model="gemini-2.5-flash", contents="Hello")
    plain = _usage(spans.take()[1])
    config = types.GenerateContentConfig(tools=[weather])
    client.models.generate_content(model="gemini-2.5-flash", contents="Weather in Paris?", config=config)
    called = spans.take()[1]
    return {
        "streams recorded": "yes" if whole[1] else "no",
        "a stream broken off": _broken(begun, ended),
        "thoughts counted as output": "yes" if plain[1] == 50 else "no",
        "tool-use prompts counted as input": "yes" if plain[0] == 208 else "no",
        "automatic function calling, billed 300 + 8 in / 100 out": " / ".join(map(str, _usage(called))),
        "function runs as spans": "yes" if any("weather" in one["name"] for one in called) else "no",
        "next(stream), inspect.isgenerator": _stream_kind(stream),
        "google-genai imported before the program does": "yes" if imported else "no",
    }


def _broken(begun: int, ended: list[dict[str, Any]]) -> str:
    if not ended:
        return "never ended" if begun else "none"
    if any(one["attributes"].get("genspan.response.partial") for one in ended):
        return "one span, marked partial"
    return f"span, {ended[-1]['status']}"


# --- all of them


def _environment(peer: str) -> Path:
    home = ROOT / ".cache/peers" / peer
    if not (home / ".ready").exists():
        print(f"Making {home} ...", file=sys.stderr)
        subprocess.run(["uv", "venv", "--quiet", "--clear", "--python", sys.executable, home], check=True)
        wanted = [*PEERS[peer], SDK, "opentelemetry-sdk"]
        subprocess.run(["uv", "pip", "install", "--quiet", "--python", home / "bin/python", *wanted], check=True)
        if peer in WITHOUT_DEPENDENCIES:
            command = ["uv", "pip", "install", "--quiet", "--no-deps", "--python", home / "bin/python"]
            subprocess.run([*command, *WITHOUT_DEPENDENCIES[peer]], check=True)
        (home / ".ready").touch()
    return home


def main() -> int:
    if len(sys.argv) == 4 and sys.argv[1] == "--probe":
        print(json.dumps(probe(*sys.argv[2:])))
        return 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gemini)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    columns: dict[str, dict[str, str]] = {}
    for peer in sys.argv[1:] or PEERS:
        home = _environment(peer)
        command = [home / "bin/python", Path(__file__), "--probe", peer, f"http://127.0.0.1:{server.server_port}"]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL", "MLFLOW", "PYTHON"))}
        done = subprocess.run(command, cwd=home, env=kept, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{peer}: {done.stderr[-1000:]}", file=sys.stderr)
            continue
        columns[peer] = json.loads(done.stdout.splitlines()[-1])
    print("| | " + " | ".join(columns) + " |\n|" + "---|" * (len(columns) + 1))
    for row in next(iter(columns.values()), {}):
        print(f"| {row} | " + " | ".join(column[row] for column in columns.values()) + " |")
    return 0 if len(columns) == len(sys.argv[1:] or PEERS) else 1


if __name__ == "__main__":
    sys.exit(main())
