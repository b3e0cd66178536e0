"""Shipping spans to MLflow."""

from genspan.mlflow.exporter import MlflowSpanExporter

__all__ = ["MlflowSpanExporter"]
