"""An OTLP/gRPC receiver on loopback that keeps every request."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc


class GrpcSink:
    """``with GrpcSink() as sink:``; then ``sink.url`` and, per signal, the requests that came."""

    def __init__(self) -> None:
        self.traces: list[Any] = []
        self.metrics: list[Any] = []
        self.logs: list[Any] = []

    def __enter__(self) -> GrpcSink:
        self._server = grpc.server(ThreadPoolExecutor(4))
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(
            _Keeper(self.traces, trace_service_pb2.ExportTraceServiceResponse), self._server
        )
        metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(
            _Keeper(self.metrics, metrics_service_pb2.ExportMetricsServiceResponse), self._server
        )
        logs_service_pb2_grpc.add_LogsServiceServicer_to_server(
            _Keeper(self.logs, logs_service_pb2.ExportLogsServiceResponse), self._server
        )
        self.url = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(1).wait()


class _Keeper:
    def __init__(self, into: list[Any], answer: type) -> None:
        self._into, self._answer = into, answer

    def Export(self, request: Any, context: Any) -> Any:
        self._into.append(request)
        return self._answer()
