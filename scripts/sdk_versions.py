"""Print what one environment of `make test-versions` has to have, as requirements: python scripts/sdk_versions.py SET

The sets: `oldest` (of OpenTelemetry and wrapt, too), `last-1` and `last-2` (the last of each major version that is
over), `newest`. An SDK with fewer versions in the list has its newest in the later sets.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "instrumentation"))

from genspan._core.supported_sdks import SDKS, Sdk

SETS = ("oldest", "last-1", "last-2", "newest")
EXTRAS = {"anthropic": "[bedrock,vertex]", "google-genai": "[aiohttp]", "openai": "[realtime]"}
ALONE = ("anthropic", "gemini", "openai")  # the others have tests of their own against several versions


def version(sdk: Sdk, name: str) -> str:
    """The version of an SDK in a set."""
    *earlier, newest = sdk.tested
    position = SETS.index(name)
    return earlier[position] if position < len(earlier) and name != "newest" else newest


def requirements(name: str) -> list[str]:
    """One environment, as lines of a requirements file."""
    found: list[str] = []
    for sdk in (SDKS[one] for one in ALONE):
        exact = f"{sdk.distribution}{EXTRAS[sdk.distribution]}=={version(sdk, name)}"
        # On Python 3.10 the last one that still runs there.
        found += [f"{exact} ; python_version >= '3.11'", f"{exact.replace('==', '<=')} ; python_version < '3.11'"]
    if name == "oldest":
        project = (ROOT / "pyproject.toml").read_text("utf-8").partition("[project.optional-dependencies]")[0]
        found += [f"{one}=={least}" for one, least in re.findall(r'"(opentelemetry-[\w-]+|wrapt)>=([\w.]+)', project)]
    return found


if __name__ == "__main__":
    print("\n".join(requirements(sys.argv[1])))
