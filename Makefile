# What a developer does with this repository. Every target sets up what it needs by itself.
PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
JS_SDKS := $(patsubst %/package.json,%,$(wildcard js/test/sdk/*/package.json))

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast test-versions test-newest test-generativeai test-frameworks test-collector collector fuzz mutants lint type format lock bench bench-js screenshot js-test clean

help:  ## show this list
	@awk -F ':.*##' '/^[a-z-]+:.*##/ {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/.ready .venv-mlflow/.ready  ## run the examples into a real MLflow server and show the traces (ARGS=--keep leaves it up)
	@$(BIN)/python -m demo $(ARGS)

test: .venv/.ready .venv-mlflow/.ready .venv-mlflow-oldest/.ready .venv-mlflow-newest/.ready  ## run all tests but the Collector's (ARGS="-k name" to choose)
	@scripts/system-package.sh chromium chromium
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --ignore tests/collector $(ARGS)

test-fast: .venv/.ready  ## the tests of single modules and a slice of the others, within two minutes
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --fast $(ARGS)

test-versions: test-sdks-oldest test-sdks-last-1 test-sdks-last-2 test-sdks-newest  ## the hooks on the oldest SDKs, the last of each major version, the newest

# What is the same on every version of an SDK. The oldest ones run with the oldest OpenTelemetry, too.
HOOKS := tests/core/test_instrumentor.py tests/core/test_otel_internals.py tests/house/test_patch_points.py \
  $(foreach sdk,openai anthropic gemini,$(foreach file,matrix replay methods,tests/$(sdk)/test_$(file).py)) \
  tests/anthropic/test_apis.py tests/gemini/test_patching.py tests/gemini/test_interactions.py

test-sdks-%: .venv-sdks-%/.ready
	.venv-sdks-$*/bin/python -m pytest -q -n 2 --dist loadfile $(HOOKS) $(ARGS)

test-newest: .venv-newest/.ready  ## the same on the newest of everything, whatever the lock files say
	.venv-newest/bin/python -m pytest -q -n 2 --dist loadfile $(HOOKS) $(ARGS)

lock: .venv/.ready  ## raise the versions in locks/ to the newest (ARGS=test: only these)
	scripts/lock.sh $(ARGS)

fuzz: .venv/.ready  ## random JSON and bytes for every reader and the framing of streams (ARGS="--minutes 60")
	$(BIN)/python scripts/fuzz.py $(ARGS)

mutants: .venv-mutants/.ready  ## put small faults into the code, and see which the unit tests miss (ARGS="--show genspan.gemini")
	nice .venv-mutants/bin/python scripts/mutants.py $(ARGS)

test-generativeai: .venv-generativeai/.ready .venv-mlflow/.ready  ## google-generativeai over gRPC and REST, in an environment with protobuf 5
	.venv-generativeai/bin/python -m pytest -q tests/google_generativeai $(ARGS)

# Warnings are off: these packages give many, of themselves and of each other.
test-frameworks: .venv-frameworks/.ready .venv-mlflow/.ready  ## calls inside frameworks with spans of their own: google-adk, pydantic-ai, ...
	.venv-frameworks/bin/python -m pytest -q -W ignore -n 2 --dist loadfile tests/frameworks $(ARGS)

# Node.js 22 comes from npm where the machine's is older; each version of an SDK has a folder and a lock file of its own.
js-test: .venv/.ready .venv-mlflow/.ready js/.packed/genspan.tgz js/.recordings/.ready js/test/node-22/.ready $(JS_SDKS:%=%/.ready)  ## the JavaScript package, as npm packs it, on every version of the SDKs
	cd js && npx biome ci .
	cd js && GENSPAN_GOLDEN="$$PWD/.recordings" node --test $(ARGS) test/*.test.mjs

collector: .venv/.ready  ## build the pinned OpenTelemetry Collector (needs Go), or find one
	$(BIN)/python scripts/collector.py

# What cannot be had here is said, and the tests that need it are skipped with their reason; in CI that is a failure.
test-collector: .venv/.ready .venv-mlflow/.ready collector  ## every configuration against the real Collector, the heavy ones too
	@scripts/system-package.sh prometheus prometheus
	@scripts/system-package.sh java default-jre-headless
	@scripts/system-package.sh mvn maven
	@PATH="$$PATH:$$(echo /usr/lib/postgresql/*/bin | tr ' ' :)" scripts/system-package.sh initdb postgresql
	@.venv-mlflow/bin/uv pip install --quiet --python .venv-mlflow/bin/python psycopg2-binary==2.9.13 "moto[server,s3]==5.2.5"
	@[ -f .venv-phoenix/.ready ] || scripts/venv.sh .venv-phoenix "$(PYTHON)" arize-phoenix==20.26.1
	@scripts/jaeger.sh >/dev/null
	GENSPAN_HEAVY=1 $(BIN)/python -m pytest -q tests/collector $(ARGS)

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

bench-js: js/test/sdk/genai-1/.ready js/test/sdk/genai-2/.ready js/test/node-22/.ready benchmarks/javascript/traceloop/.ready  ## the same for the JavaScript package, and what another instrumentation counts
	node benchmarks/javascript/bench.mjs
	node benchmarks/javascript/peers.mjs

screenshot: .venv/.ready .venv-mlflow/.ready  ## make the picture of the README from a real MLflow page
	@scripts/system-package.sh chromium chromium
	$(BIN)/python scripts/screenshot.py

clean:  ## remove what these targets made
	rm -rf .venv .venv-mlflow .venv-mlflow-oldest .venv-mlflow-newest .venv-sdks-* .venv-newest .venv-mutants .venv-generativeai .venv-frameworks .venv-phoenix .cache dist
	rm -rf $(foreach name,node_modules .ready .run-peers,benchmarks/javascript/traceloop/$(name))
	rm -rf js/dist js/.packed js/.recordings js/node_modules js/test/node-22/node_modules js/test/node-22/.ready $(foreach name,node_modules .ready .run-*,$(JS_SDKS:%=%/$(name)))

# Environments. Each is made anew when what it depends on changes.
.PRECIOUS: .venv-sdks-%/.ready
LOCKED := --no-deps -r locks

.venv/.ready: pyproject.toml scripts/venv.sh locks/test.txt
	@scripts/venv.sh .venv "$(PYTHON)" $(LOCKED)/test.txt -e .

.venv-sdks-%/.ready: pyproject.toml scripts/venv.sh locks/sdks-%.txt
	@scripts/venv.sh .venv-sdks-$* "$(PYTHON)" $(LOCKED)/sdks-$*.txt -e .

.venv-newest/.ready: pyproject.toml scripts/venv.sh
	@scripts/venv.sh .venv-newest "$(PYTHON)" -e . --group tools openai[realtime] anthropic[bedrock,vertex] google-genai[aiohttp]

.venv-mlflow/.ready: pyproject.toml scripts/venv.sh locks/mlflow.txt
	@scripts/venv.sh .venv-mlflow "$(PYTHON)" $(LOCKED)/mlflow.txt -e .

# The first MLflow that takes spans (it needs an older SQLAlchemy), and the last: 3.18 is published without the versions of
# mlflow-skinny and mlflow-tracing that it asks for; it holds all of them itself.
.venv-mlflow-oldest/.ready: scripts/venv.sh locks/mlflow-oldest.txt
	@scripts/venv.sh .venv-mlflow-oldest "$(PYTHON)" $(LOCKED)/mlflow-oldest.txt

.venv-mlflow-newest/.ready: scripts/venv.sh locks/mlflow.txt Makefile
	@scripts/venv.sh .venv-mlflow-newest "$(PYTHON)" $(LOCKED)/mlflow.txt
	@.venv-mlflow-newest/bin/uv pip install --quiet --no-deps --python .venv-mlflow-newest/bin/python mlflow==3.18.0

.venv-mutants/.ready: pyproject.toml scripts/venv.sh locks/test.txt
	@scripts/venv.sh .venv-mutants "$(PYTHON)" $(LOCKED)/test.txt -e .
	@.venv-mutants/bin/uv pip install --quiet --python .venv-mutants/bin/python mutmut==3.8.1

.venv-generativeai/.ready: pyproject.toml scripts/venv.sh locks/generativeai.txt
	@scripts/venv.sh .venv-generativeai "$(PYTHON)" $(LOCKED)/generativeai.txt -e .

.venv-frameworks/.ready: pyproject.toml scripts/venv.sh locks/frameworks.txt
	@scripts/venv.sh .venv-frameworks "$(PYTHON)" $(LOCKED)/frameworks.txt -e .

# JavaScript
NPM_CI := npm ci --no-audit --no-fund --loglevel=error

js/node_modules/.ready: js/package-lock.json
	@scripts/node.sh
	cd js && $(NPM_CI)
	@touch $@

js/.packed/genspan.tgz: js/node_modules/.ready js/package.json js/tsconfig.json $(shell find js/src -name '*.ts')
	rm -rf js/dist $(@D) && mkdir $(@D)
	cd js && npm pack --silent --pack-destination .packed >/dev/null
	mv $(@D)/genspan-*.tgz $@

js/test/sdk/%/.ready: js/test/sdk/%/package-lock.json js/.packed/genspan.tgz
	cd $(@D) && $(NPM_CI) && npm install --no-save --no-package-lock --no-audit --no-fund --loglevel=error ../../../.packed/genspan.tgz
	@touch $@

js/test/node-22/.ready: js/test/node-22/package-lock.json
	@scripts/node.sh
	cd $(@D) && $(NPM_CI)
	@touch $@

benchmarks/javascript/traceloop/.ready: benchmarks/javascript/traceloop/package-lock.json
	cd $(@D) && $(NPM_CI)
	@touch $@

# The recordings of Gemini with what Python makes of them, for JavaScript to compare with.
js/.recordings/.ready: .venv/.ready scripts/make_golden.py tests/support/golden.py $(shell find instrumentation/genspan semconv/genspan_semconv -name '*.py')
	rm -rf $(@D)
	$(BIN)/python scripts/make_golden.py --recordings $(@D)
	@touch $@
