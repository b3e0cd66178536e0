"""Fixtures of the tests that need other programs."""

from tests.support.mlflow_gateway import mlflow_gateway
from tests.support.mlflow_server import mlflow_server

__all__ = ["mlflow_gateway", "mlflow_server"]
