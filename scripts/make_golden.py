"""Write what Python makes of each golden call (``tests/golden/gemini``): its requests on the wire, and its spans.

A new file needs ``call``, the responses of ``wire``, ``settings`` and ``tokens``, which are written by hand; then this
adds the rest, which is to be read before it is kept. Names of files choose some.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.support import golden
from tests.support.provider import FakeProvider


def main() -> None:
    chosen = [path for path in golden.FILES if path.stem in sys.argv[1:] or not sys.argv[1:]]
    with FakeProvider() as provider:
        for path in chosen:
            case = golden.read(path)
            outcome = golden.run(case, provider)
            for exchange, request in zip(case["wire"], outcome.requests, strict=True):
                exchange |= {"request": request, "response": exchange.pop("response")}
            golden.write(path, {**case, "spans": outcome.spans()})


main()
