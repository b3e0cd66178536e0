"""Write what Python makes of each golden call (``tests/golden/gemini``): its requests on the wire, and its spans.

A new file needs ``call``, the responses of ``wire``, ``settings`` and ``tokens``, which are written by hand; then this
adds the rest, which is to be read before it is kept. Names of files choose some. ``--recordings FOLDER`` writes the
recordings of Gemini in the same form into a folder, for the tests of other languages.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.support import golden
from tests.support.provider import FakeProvider
from tests.support.recordings import load


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", metavar="FOLDER", type=Path)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    with FakeProvider() as provider, closing(golden.Player(provider)) as player:
        if arguments.recordings:
            _recordings(arguments.recordings, player)
            return
        for path in golden.FILES:
            if path.stem in arguments.names or not arguments.names:
                golden.write(path, player.completed(golden.read(path)))


def _recordings(folder: Path, player: golden.Player) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for recording in [*load("gemini"), *load("vertex")]:
        if (case := golden.of_recording(recording)) is not None:
            path = folder / f"recording-{recording.provider}-{recording.api}-{recording.id}.json"
            golden.write(path, player.completed(case))


main()
