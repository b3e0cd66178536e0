"""Fixtures of the tests that need other programs."""

from tests.support.mlflow_server import mlflow_server

__all__ = ["mlflow_server"]
