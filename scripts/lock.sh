#!/usr/bin/env bash
# Write locks/*.txt anew: every environment of this repository, in the newest versions that its requirements allow.
# lock.sh [NAME...] writes these alone. Runs with the uv of .venv.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=.venv/bin/uv
wanted=("$@")

lock() { # NAME SOURCE...
  local name=$1
  shift
  if [ ${#wanted[@]} -gt 0 ] && [[ " ${wanted[*]} " != *" $name "* ]]; then return; fi
  echo "locks/$name.txt" >&2
  "$uv" pip compile --quiet --upgrade --universal --python-version "${oldest_python:-3.10}" --no-annotate \
    --custom-compile-command "make lock" --output-file "locks/$name.txt" "$@"
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
lock test pyproject.toml --group test --group lint
lock generativeai pyproject.toml --group generativeai
oldest_python=3.11 lock frameworks pyproject.toml scripts/frameworks.txt --group test
for sdks in oldest last-1 last-2 newest; do
  .venv/bin/python scripts/sdk_versions.py "$sdks" >"$scratch/$sdks.in"
  # The first openai passes httpx an argument that 0.28 took away; the first google-genai asks for 0.28 without need.
  override=
  [ "$sdks" != oldest ] || { override="$scratch/override.in" && echo "httpx<0.28" >"$override"; }
  lock "sdks-$sdks" pyproject.toml --group tools "$scratch/$sdks.in" ${override:+--override "$override"}
done
lock mlflow pyproject.toml - <<<'mlflow[auth]==3.17.2
opentelemetry-instrumentation-asgi' # for the gateway, traced inside the server
lock mlflow-oldest - <<<'mlflow==3.6.0
sqlalchemy<2.1' # the first MLflow that takes spans; it needs an older SQLAlchemy
