# What a developer does with this repository. Every target sets up what it needs by itself.
PYTHON ?= python3
ARGS ?=
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help demo test test-oldest test-generativeai test-frameworks test-collector collector lint type format bench screenshot clean

help:  ## show this list
	@awk -F ':.*##' '/^[a-z-]+:.*##/ {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/.ready .venv-mlflow/.ready  ## run the examples into a real MLflow server and show the traces (ARGS=--keep leaves it up)
	@$(BIN)/python -m demo $(ARGS)

test: .venv/.ready .venv-mlflow/.ready .venv-mlflow-oldest/.ready .venv-mlflow-newest/.ready  ## run all tests but the Collector's (ARGS="-k name" to choose)
	@scripts/system-package.sh chromium chromium
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --ignore tests/collector $(ARGS)

test-oldest: .venv-oldest/.ready  ## the same hooks on the oldest supported SDKs
	.venv-oldest/bin/python -m pytest -q -n 2 --dist loadfile tests/openai tests/anthropic \
	  tests/gemini/test_matrix.py tests/gemini/test_patching.py tests/gemini/test_replay.py tests/gemini/test_recordings_driver.py $(ARGS)

test-generativeai: .venv-generativeai/.ready  ## google-generativeai over gRPC and REST, in an environment with protobuf 5
	.venv-generativeai/bin/python -m pytest -q -rs tests/google_generativeai $(ARGS)

# Warnings are off: these packages give many, of themselves and of each other.
test-frameworks: .venv-frameworks/.ready .venv-mlflow/.ready  ## calls inside frameworks with spans of their own: google-adk, pydantic-ai, ...
	.venv-frameworks/bin/python -m pytest -q -W ignore -n 2 --dist loadfile tests/frameworks $(ARGS)

collector: .venv/.ready  ## build the pinned OpenTelemetry Collector (needs Go), or find one
	$(BIN)/python scripts/collector.py

# What cannot be had here is said, and the tests that need it are skipped with their reason.
test-collector: .venv/.ready .venv-mlflow/.ready collector  ## every configuration against the real Collector, the heavy ones too
	@scripts/system-package.sh prometheus prometheus
	@scripts/system-package.sh java default-jre-headless
	@scripts/system-package.sh mvn maven
	@PATH="$$PATH:$$(echo /usr/lib/postgresql/*/bin | tr ' ' :)" scripts/system-package.sh initdb postgresql
	@.venv-mlflow/bin/python -c 'import psycopg2' 2>/dev/null || .venv-mlflow/bin/uv pip install --quiet --python .venv-mlflow/bin/python psycopg2-binary==2.9.13 || echo "note: no psycopg2-binary; MLflow on PostgreSQL is skipped" >&2
	@[ -f .venv-phoenix/.ready ] || scripts/venv.sh .venv-phoenix "$(PYTHON)" arize-phoenix==20.26.1 || echo "note: no arize-phoenix; its test is skipped" >&2
	@scripts/jaeger.sh >/dev/null || true
	GENSPAN_HEAVY=1 $(BIN)/python -m pytest -q -rs tests/collector $(ARGS)

lint: .venv/.ready  ## style and generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python scripts/generate_semconv.py --check

type: .venv/.ready  ## strict types
	$(BIN)/pyright

format: .venv/.ready  ## format the code and write the generated files
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python scripts/generate_semconv.py

bench: .venv/.ready  ## what tracing costs, as ratios measured in one run
	@scripts/system-package.sh valgrind valgrind
	$(BIN)/python -m benchmarks $(ARGS)

screenshot: .venv/.ready .venv-mlflow/.ready  ## make the picture of the README from a real MLflow page
	@scripts/system-package.sh chromium chromium
	$(BIN)/python scripts/screenshot.py

clean:  ## remove what these targets made
	rm -rf .venv .venv-mlflow .venv-mlflow-oldest .venv-mlflow-newest .venv-oldest .venv-generativeai .venv-frameworks .venv-phoenix .cache dist

# Environments. Each is made anew when what it depends on changes.
.venv/.ready: pyproject.toml scripts/venv.sh
	@scripts/venv.sh .venv "$(PYTHON)" -e . --group test --group lint

.venv-mlflow/.ready: scripts/venv.sh Makefile
	@scripts/venv.sh .venv-mlflow "$(PYTHON)" mlflow==3.17.2

# The first MLflow that takes spans (it needs an older SQLAlchemy), and the last: 3.18 is published without the versions of
# mlflow-skinny and mlflow-tracing that it asks for; it holds all of them itself.
.venv-mlflow-oldest/.ready: scripts/venv.sh Makefile
	@scripts/venv.sh .venv-mlflow-oldest "$(PYTHON)" mlflow==3.6.0 "sqlalchemy<2.1"

.venv-mlflow-newest/.ready: scripts/venv.sh Makefile
	@scripts/venv.sh .venv-mlflow-newest "$(PYTHON)" mlflow==3.17.2
	@.venv-mlflow-newest/bin/uv pip install --quiet --no-deps --python .venv-mlflow-newest/bin/python mlflow==3.18.0

.venv-generativeai/.ready: pyproject.toml scripts/venv.sh
	@scripts/venv.sh .venv-generativeai "$(PYTHON)" -e . --group generativeai

.venv-oldest/.ready: pyproject.toml scripts/venv.sh scripts/oldest.txt
	@scripts/venv.sh .venv-oldest "$(PYTHON)" -e . --group test --override scripts/oldest.txt

.venv-frameworks/.ready: pyproject.toml scripts/venv.sh scripts/frameworks.txt
	@scripts/venv.sh .venv-frameworks "$(PYTHON)" -e . --group test -r scripts/frameworks.txt
