"""Every file runs as it is, with nothing in the environment but what its table says is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.absent import absent
from tests.support.collector import CONFIGS, binary

# Needs Datadog's exporter, which the Collector of builder.yaml does not hold.
FILES = sorted(
    {*CONFIGS.glob("*.yaml")} - {CONFIGS / f"{n}.yaml" for n in ("builder", "prometheus-rules", "to-datadog")}
)

# In a network of its own, so that the ports of the defaults are free: brings the loopback device up, starts the
# Collector, waits until it says that it is well, and stops it.
RUN = """
import fcntl, socket, struct, subprocess, sys, time, urllib.request
with socket.socket() as probe:
    fcntl.ioctl(probe, 0x8914, struct.pack("16sh", b"lo", 1))
process = subprocess.Popen(sys.argv[1:], env={"PATH": "/usr/bin:/bin"})
end = time.monotonic() + 30
while process.poll() is None and time.monotonic() < end:
    try:
        with urllib.request.urlopen("http://127.0.0.1:13133/") as answer:
            break
    except OSError:
        time.sleep(0.05)
else:
    sys.exit(f"not up, status {process.poll()}")
process.terminate()
status = process.wait(20)
sys.exit(0 if status == -15 else status)  # it is well a moment before it handles signals
"""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_starts_and_stops(path, tmp_path):
    if subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode:
        absent("namespaces", "no network namespaces here: the default ports may be taken")
    command = ["unshare", "--net", sys.executable, "-c", RUN, binary(), "--config", path]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert "alias is deprecated" not in ran.stderr
