"""A PostgreSQL of the machine's own, in a temporary folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.absent import absent
from tests.support.collector import free_port, wait_until


@pytest.fixture
def postgres(tmp_path_factory):
    """An empty database; its URI."""
    initdb, postgres = (found(name) for name in ("initdb", "postgres"))
    folder = tmp_path_factory.mktemp("postgres")
    for path in (folder, *folder.parents[:2]):
        path.chmod(0o755)  # PostgreSQL does not run as root
    identity = {"user": "nobody"} if os.getuid() == 0 else {}
    if identity:
        shutil.chown(folder, "nobody")
    port, data = free_port(), folder / "data"
    subprocess.run([initdb, "-A", "trust", "-U", "mlflow", "-D", data], check=True, capture_output=True, **identity)
    with (folder / "log").open("wb") as log:
        command = [postgres, "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", folder]
        process = subprocess.Popen(command, stdout=log, stderr=log, **identity)
    try:
        wait_until(lambda: "ready to accept" in (folder / "log").read_text(), "PostgreSQL is up", 60)
        yield f"postgresql+psycopg2://mlflow@127.0.0.1:{port}/postgres"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


def found(name: str) -> str:
    """One of PostgreSQL's programs; Debian keeps them off the PATH."""
    places = [os.environ["PATH"], *map(str, Path("/usr/lib/postgresql").glob("*/bin"))]
    return shutil.which(name, path=os.pathsep.join(places)) or absent("postgresql", "make test-collector installs it")
