"""MLflow's guide for Gemini, with genspan in place of `mlflow.gemini.autolog()`.

Needs an MLflow server at $MLFLOW_TRACKING_URI (default http://localhost:5000) and `pip install mlflow`, for reading
the trace back. Prompts and answers are recorded, because MLflow is the destination.
"""

from __future__ import annotations

import os

import mlflow
from google import genai

import genspan

genspan.configure()

mlflow.set_tracking_uri(os.environ.get("MLFLOW_TRACKING_URI", "http://localhost:5000"))
mlflow.set_experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME", "Gemini"))

MODEL = os.environ.get("GEMINI_MODEL", "gemini-2.5-flash")


def main() -> None:
    with genai.Client() as client:
        print(client.models.generate_content(model=MODEL, contents="The opposite of hot is").text)

    # From here on it is MLflow alone: the trace is read back as any other.
    recorded = mlflow.get_trace(genspan.last_trace_id())
    total = recorded.info.token_usage
    print(f"Trace {recorded.info.trace_id}")
    print(f"Tokens: {total['input_tokens']} in, {total['output_tokens']} out, {total['total_tokens']} in all")
    for span in recorded.data.spans:
        print(f"  {span.name}: {span.get_attribute('mlflow.chat.tokenUsage')}")


main()
