"""Whether the destinations answer. Nothing is stored, except by ``--probe``; no secret is printed."""

from __future__ import annotations

import socket
import time
from dataclasses import replace
from importlib.util import find_spec
from os import environ
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from genspan._core.config import defaults
from genspan.cli.findings import fail, note, ok, warn
from genspan.mlflow.experiment import DEFAULT_ID
from genspan.mlflow.problems import judge
from genspan.mlflow.session import MlflowSession
from genspan.mlflow.settings import SettingsError, read_destination
from genspan_semconv.model import obj

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import ReadableSpan

    from genspan.cli.findings import Finding
    from genspan.mlflow.settings import Destination

_EXPERIMENTS: Final = "/api/2.0/mlflow/experiments"


def mlflow(probe: bool) -> Iterator[Finding]:
    """The server, the login and the experiment that the exporter ``mlflow`` would use."""
    try:
        destination = read_destination()
    except SettingsError as error:
        yield fail(str(error))
        return
    if not environ.get("MLFLOW_TRACKING_URI"):
        yield note(f"MLFLOW_TRACKING_URI is not set; using {destination.shown}")
    findings = _server(destination) if destination.is_server else _store(destination)
    failed = False
    for finding in findings:
        failed = failed or finding.level == "FAIL"
        yield finding
    if probe and not failed:
        yield _probe()


def _server(destination: Destination) -> Iterator[Finding]:
    session = MlflowSession(replace(destination, timeout=min(destination.timeout, 10)))
    try:
        health = session.ask("GET", "/health")
        problem = judge(health, destination)
        if problem is not None or health.body.strip() != "OK":
            yield fail(str(problem) if problem else f"{destination.shown}/health does not say OK: is this MLflow?")
            return
        number = session.ask("GET", "/version")
        yield ok(f"{destination.shown} answers" + (f", MLflow {number.body.strip()}" if number.status == 200 else ""))
        yield _experiment(session, destination)
    finally:
        session.close()


def _experiment(session: MlflowSession, destination: Destination) -> Finding:
    name, number = destination.experiment_name, destination.experiment_id or DEFAULT_ID
    if name is None:
        answer = session.ask("GET", f"{_EXPERIMENTS}/get", query={"experiment_id": number})
    else:
        answer = session.ask("GET", f"{_EXPERIMENTS}/get-by-name", query={"experiment_name": name})
    login = " with the login given" if destination.has_credentials else ""
    if name is not None and answer.code == "RESOURCE_DOES_NOT_EXIST":
        return ok(f"Experiment {name!r} is not there yet; the first span creates it{login}")
    problem = judge(answer, destination)
    if problem is not None:
        return fail(str(problem))
    experiment = obj(answer.json().get("experiment"))
    if experiment.get("lifecycle_stage") == "deleted":
        return fail(f"Experiment {name or number!r} is deleted: restore it or choose another")
    if destination.experiment_id not in (None, experiment.get("experiment_id")):
        return fail(
            f"MLFLOW_EXPERIMENT_NAME and MLFLOW_EXPERIMENT_ID are two experiments ({name!r}, {number}): set one"
        )
    return ok(f"Experiment {name or number!r} can be read{login}")


def _store(destination: Destination) -> Iterator[Finding]:
    if find_spec("mlflow") is None:
        yield fail(f"{destination.shown} is written by the mlflow package: pip install 'mlflow>=3.6'")
    else:
        yield ok(f"{destination.shown} is written by the installed mlflow package")


def _probe() -> Finding:
    from opentelemetry.sdk.trace.export import SpanExportResult

    from genspan.mlflow import MlflowSpanExporter

    span = _small_span()
    exporter = MlflowSpanExporter()
    stored = exporter.export([span]) is SpanExportResult.SUCCESS
    exporter.shutdown()
    if stored and span.context is not None:
        return ok(f"A probe span is stored: tr-{span.context.trace_id:032x}")
    return fail("The probe span was not stored; the log says why")


def _small_span() -> ReadableSpan:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
    from opentelemetry.trace import SpanContext, TraceFlags

    ids, now = RandomIdGenerator(), time.time_ns()
    context = SpanContext(ids.generate_trace_id(), ids.generate_span_id(), False, TraceFlags(TraceFlags.SAMPLED))
    return ReadableSpan("genspan doctor --probe", context=context, start_time=now, end_time=now)


def otlp() -> Iterator[Finding]:
    """The endpoint of the OTLP exporter: whether something listens there."""
    endpoint = environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    protocol = environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    protocol = (protocol or defaults()["OTEL_EXPORTER_OTLP_PROTOCOL"]).strip()
    standard = 4317 if protocol == "grpc" else 4318
    given = endpoint or f"http://localhost:{standard}"
    parts = urlsplit(given if "://" in given else f"//{given}")
    try:
        port = parts.port or (443 if parts.scheme == "https" else standard if protocol == "grpc" else 80)
        host = parts.hostname or ""
    except ValueError:
        yield fail("The OTLP endpoint is no address")
        return
    if {4317: "http/protobuf", 4318: "grpc"}.get(port) == protocol:
        yield warn(f"Port {port} is usually not the one for {protocol}: set OTEL_EXPORTER_OTLP_PROTOCOL or the port")
    names = sorted(_header_names())
    yield note(f"Headers sent: {', '.join(names)} (values not shown)" if names else "No headers are sent")
    yield _connect(host, port, protocol)


def _connect(host: str, port: int, protocol: str) -> Finding:
    try:
        with socket.create_connection((host, port), timeout=3):
            return ok(f"{host}:{port} listens ({protocol})")
    except OSError as error:
        return fail(f"{host}:{port} cannot be reached ({error.strerror or error})")


def _header_names() -> set[str]:
    value = environ.get("OTEL_EXPORTER_OTLP_TRACES_HEADERS") or environ.get("OTEL_EXPORTER_OTLP_HEADERS") or ""
    return {item.partition("=")[0].strip() for item in value.split(",") if "=" in item}
