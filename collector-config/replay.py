"""Send an archive of to-mlflow.yaml to an MLflow server again, line by line, and say why lines are refused.

    python replay.py archive/rest.jsonl --url http://127.0.0.1:5000 --experiment 0

Each line is one OTLP request as JSON. Of a line that MLflow refuses, every span is sent by itself: the good ones are
saved, the others are printed with MLflow's reason and written to FILE.refused.jsonl. What MLflow has already it does
not store twice. Needs Python only; the header Authorization is taken from $MLFLOW_AUTHORIZATION. The exit status is
1 if something was refused, 2 if the server did not answer (or only to say that it is busy) or there is no such archive.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class NoAnswer(Exception):
    """The server neither stored a request nor refused it."""


RETRYABLE = (429, 502, 503, 504)


class Mlflow:
    def __init__(self, url: str, experiment: str) -> None:
        self.url = url.rstrip("/") + "/v1/traces"
        self.headers = {"content-type": "application/json", "x-mlflow-experiment-id": experiment}
        if authorization := os.environ.get("MLFLOW_AUTHORIZATION"):
            self.headers["authorization"] = authorization

    def refusal(self, body: str, tries: int = 5) -> str:
        """Send a request; empty if it was stored, else the server's reason."""
        request = urllib.request.Request(self.url, body.encode(), self.headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=120):
                return ""
        except urllib.error.HTTPError as error:
            with error:
                reason = f"{error.code} {error.read().decode('utf-8', 'replace').strip()}"
            if error.code not in RETRYABLE:
                return reason
            if tries <= 1:
                raise NoAnswer(reason) from error
        except (OSError, HTTPException) as error:  # a URLError is the former
            raise NoAnswer(str(getattr(error, "reason", error))) from error
        time.sleep(2)
        return self.refusal(body, tries - 1)


def single_spans(body: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Each span of a request, and the request that holds it alone."""
    for resource in json.loads(body).get("resourceSpans", []):
        for scope in resource.get("scopeSpans", []):
            for span in scope.get("spans", []):
                alone = {**resource, "scopeSpans": [{**scope, "spans": [span]}]}
                yield span, json.dumps({"resourceSpans": [alone]})


def replay(archive: Path, server: Mlflow) -> int:
    """The number of spans that were refused."""
    refused = Path(f"{archive}.refused.jsonl")
    lines = count = 0
    with archive.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            lines += 1
            if not server.refusal(line):
                continue
            for span, body in single_spans(line):
                if reason := server.refusal(body):
                    count += 1
                    print(f"line {number}, trace {span.get('traceId')}, span {span.get('spanId')}: {reason}")
                    with refused.open("a", encoding="utf-8") as bad:
                        bad.write(body + "\n")
    print(f"{lines} lines, {count} spans refused" + (f", kept in {refused}" if count else ""))
    return count


def main() -> int:
    parser = argparse.ArgumentParser(description="Send an archive of to-mlflow.yaml to MLflow again.")
    parser.add_argument("archive", type=Path)
    parser.add_argument("--url", default="http://127.0.0.1:5000")
    parser.add_argument("--experiment", default="0")
    arguments = parser.parse_args()
    try:
        return 1 if replay(arguments.archive, Mlflow(arguments.url, arguments.experiment)) else 0
    except NoAnswer as error:
        print(f"{arguments.url} does not answer: {error}", file=sys.stderr)
    except OSError as error:
        print(f"{arguments.archive} cannot be read: {error}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
