"""Find the OpenTelemetry Collector to test with, or build it from collector-config/builder.yaml.

    python scripts/collector.py             # prints the path of a Collector, builds one where there is none
    python scripts/collector.py --find      # prints the path, or says why there is none (exit status 1)

The order: $OTELCOL, what was built before from this manifest, an installed otelcol-contrib, a new build. A build
takes about five minutes and 4 GB of Go's caches the first time, and lands in .cache/collector/<hash of the manifest>/
($GENSPAN_CACHE in place of .cache).
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MANIFEST = ROOT / "collector-config" / "builder.yaml"
OLDEST = (0, 161)  # older ones know some of the components by other names
GO = ("go", "/usr/local/go/bin/go", "/usr/lib/go/bin/go")  # an installation from the archive is on no PATH
ABSENT = """no OpenTelemetry Collector here. One of these brings it:
  make collector                    with Go {go} or newer: {found}
  OTELCOL=/path/to/otelcol-contrib  a Collector that you have, {oldest} or newer
  otelcol-contrib on the PATH"""


class NoCollector(Exception):
    """There is no Collector, and the message says what would bring one."""


def version() -> str:
    """The version that the manifest pins, which is the builder's too."""
    found = re.search(r"^  version: (\S+)$", MANIFEST.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise NoCollector(f"{MANIFEST} names no version")
    return found[1]


def built() -> Path:
    digest = hashlib.sha256(MANIFEST.read_bytes()).hexdigest()[:16]
    return Path(os.environ.get("GENSPAN_CACHE") or ROOT / ".cache") / "collector" / digest / "otelcol"


def find() -> Path:
    """The Collector to use; raises NoCollector where it would have to be built."""
    if named := os.environ.get("OTELCOL"):
        path = shutil.which(named)
        if path is None:
            raise NoCollector(f"OTELCOL={named} is not a program")
        return Path(path)
    if built().is_file():
        return built()
    if installed := shutil.which("otelcol-contrib"):
        check_age(installed)
        return Path(installed)
    found = f"{go()} builds it" if go() else f"none of {', '.join(GO)} is there"
    raise NoCollector(ABSENT.format(go="1.25", found=found, oldest=".".join(map(str, OLDEST))))


def go() -> str | None:
    """The Go to build with."""
    return next(filter(None, map(shutil.which, GO)), None)


def check_age(program: str) -> None:
    printed = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=False).stdout
    found = re.search(r"(\d+)\.(\d+)\.\d+", printed)
    if found and (int(found[1]), int(found[2])) < OLDEST:
        raise NoCollector(f"{program} is {found[0]}: the configurations need {'.'.join(map(str, OLDEST))} or newer")


def build() -> Path:
    """Build the pinned Collector with the builder of its version; Go's caches make a second build quick."""
    target = built()
    target.parent.mkdir(parents=True, exist_ok=True)
    builder = target.parent / "builder"
    quiet = ["nice", "-n", "10"] if shutil.which("nice") else []
    environment = {**os.environ, "GOBIN": str(target.parent), "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false"}
    environment["PATH"] = os.pathsep.join([str(Path(str(go())).parent), os.environ.get("PATH", "")])  # the builder's
    say(f"building the Collector {version()} into {target.parent}: about 5 minutes the first time")
    package = f"go.opentelemetry.io/collector/cmd/builder@v{version()}"
    run([*quiet, str(go()), "install", package], target.parent, environment)
    run([*quiet, str(builder), "--config", str(MANIFEST)], target.parent, environment)
    sources = target.parent / "otelcol-genspan"
    (sources / "otelcol-genspan").replace(target)
    shutil.rmtree(sources)
    return target


def run(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    """Run a step of the build; its output goes to standard error, so that standard output is the path alone."""
    if subprocess.run(command, cwd=folder, env=environment, stdout=sys.stderr, check=False).returncode != 0:
        raise NoCollector(f"the build failed at: {' '.join(command)}")


def say(text: str) -> None:
    print(text, file=sys.stderr)


def main(arguments: list[str]) -> int:
    try:
        try:
            path = find()
        except NoCollector:
            if "--find" in arguments or os.environ.get("OTELCOL") or go() is None:
                raise
            path = build()
    except NoCollector as reason:
        say(f"collector: {reason}")
        return 1
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
