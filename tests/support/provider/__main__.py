"""`python -m tests.support.provider --port 0`: prints its URL on the first line and serves until it is ended.

`GET /_ledger` returns the ledger as JSON, `POST /_reset` empties it.
"""

from __future__ import annotations

import argparse
import signal
import threading

from tests.support.provider.server import FakeProvider


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.support.provider")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with FakeProvider(arguments.host, arguments.port) as provider:
        print(provider.url, flush=True)
        ended.wait()


main()
