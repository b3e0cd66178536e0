#!/usr/bin/env bash
# Print the path of a Jaeger (all-in-one) to test with: $JAEGER, what was built before, or a new build (needs Go; three
# minutes the first time). Jaeger publishes no Go module that `go install` takes, hence a module of our own around it.
set -euo pipefail
version=v1.62.0
if [ -n "${JAEGER:-}" ]; then
  command -v "$JAEGER" || { echo "jaeger: JAEGER=$JAEGER is not a program" >&2; exit 1; }
  exit 0
fi
folder="${GENSPAN_CACHE:-$(cd "$(dirname "$0")/.." && pwd)/.cache}/jaeger/$version"
if [ ! -x "$folder/jaeger" ]; then
  if [ "${1:-}" = --find ] || ! command -v go >/dev/null; then
    echo "jaeger: no Jaeger here: make test-collector builds one with Go, or JAEGER=/path/to/jaeger-all-in-one" >&2
    exit 1
  fi
  echo "jaeger: building $version into $folder: about 3 minutes the first time" >&2
  mkdir -p "$folder"
  cd "$folder"
  export GOFLAGS="-mod=mod -buildvcs=false" CGO_ENABLED=0
  [ -f go.mod ] || go mod init jaeger >&2
  go get "github.com/jaegertracing/jaeger/cmd/all-in-one@$version" >&2
  nice -n 10 go build -o jaeger github.com/jaegertracing/jaeger/cmd/all-in-one >&2
fi
echo "$folder/jaeger"
