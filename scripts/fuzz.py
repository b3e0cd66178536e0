"""Random input for every reader and for the framing of streams, with a time: ``fuzz.py [--minutes N]``.

Runs the tests below again and again with other examples. What breaks is printed by pytest with the example; it becomes
a test with that example written down.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = (
    *("tests/core/test_framing_fuzz.py", "tests/openai/test_total.py", "tests/anthropic/test_total.py"),
    *("tests/gemini/test_fuzz.py", "tests/mlflow/test_sanitize.py"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--examples", type=int, default=500, help="of each test in each round")
    options = parser.parse_args()
    end = time.monotonic() + options.minutes * 60
    rounds = 0
    environment = {**os.environ, "GENSPAN_FUZZ_EXAMPLES": str(options.examples)}
    while rounds == 0 or time.monotonic() < end:
        rounds += 1
        command = [sys.executable, "-m", "pytest", "-q", "-x", "--hypothesis-seed", str(time.time_ns()), *TESTS]
        try:
            done = subprocess.run(
                [*command, "--timeout=0"], cwd=ROOT, env=environment, timeout=end - time.monotonic() + 60, check=False
            )
        except subprocess.TimeoutExpired:
            break
        if done.returncode:
            return done.returncode
    print(f"{rounds} rounds, and nothing broke")
    return 0


if __name__ == "__main__":
    sys.exit(main())
