"""An application under load: `CALLS` model calls over `SECONDS` seconds from four threads, each call a trace."""

from __future__ import annotations

import os
import threading
import time

from google import genai


def main() -> None:
    calls, seconds, threads = int(os.environ["CALLS"]), float(os.environ["SECONDS"]), 4
    start = time.monotonic()

    def work(first: int) -> None:
        with genai.Client() as client:
            for number in range(first, calls, threads):
                time.sleep(max(0.0, start + number * seconds / calls - time.monotonic()))
                client.models.generate_content(model="gemini-2.5-flash", contents=f"Question {number}. " * 20)

    workers = [threading.Thread(target=work, args=(first,)) for first in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


main()
