"""The SDKs that genspan traces, and the versions that it is tested with.

The only list of them. The instrumentors' checks and ``genspan doctor`` read it; the extras and dependency groups of
``pyproject.toml`` and the table of ``README.md`` are held to it by ``tests/house/test_supported_sdks.py``; the
environments of ``make test-versions`` are made of it.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Sdk(NamedTuple):
    """An SDK, by its names and versions."""

    distribution: str
    """Its name on PyPI."""
    package: str
    """What a program imports."""
    tested: tuple[str, ...]
    """Ascending: the oldest supported version, the last of each major version that is over, the newest."""

    @property
    def requirement(self) -> str:
        """The supported versions, as in a requirements file. A version newer than the tested ones is traced, too."""
        return f"{self.distribution} >= {self.tested[0]}"

    def untested(self) -> str | None:
        """The installed version, if it is newer than all that were tested."""
        from packaging.version import Version

        installed = version(self.distribution)
        return installed if Version(installed) > Version(self.tested[-1]) else None


SDKS: Final[Mapping[str, Sdk]] = {
    "anthropic": Sdk("anthropic", "anthropic", ("0.51.0", "0.125.0", "1.17.0", "2.14.0")),
    "gemini": Sdk("google-genai", "google.genai", ("1.10.0", "1.75.0", "2.34.0", "3.6.1")),
    "google_generativeai": Sdk("google-generativeai", "google.generativeai", ("0.7.2", "0.8.6")),
    "groq": Sdk("groq", "groq", ("0.13.0", "0.37.1", "1.7.0")),
    "langchain": Sdk("langchain-core", "langchain_core", ("1.0.0", "1.8.3")),
    "mistralai": Sdk("mistralai", "mistralai.client", ("2.0.0", "2.10.1", "3.7.0")),
    "openai": Sdk("openai", "openai", ("1.26.0", "1.109.1", "2.54.0", "3.57.0")),
}
"""By the name that genspan has for each: of its package, its extra and, after ``genspan-``, its entry point."""
