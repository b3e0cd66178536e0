"""`import genspan` and `instrument()` import no SDK, start no thread, set no provider and change no environment."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import pytest

from genspan._core import supported_sdks

LIBRARIES = ("langchain", "mlflow", "httpx", "httpx2", "aiohttp")
SDKS = (*(sdk.package for sdk in supported_sdks.SDKS.values()), *LIBRARIES)

REPORT = f"""
import json, os, sys, threading
from opentelemetry import metrics, trace
from opentelemetry._logs import get_logger_provider

def kinds():
    providers = trace.get_tracer_provider(), metrics.get_meter_provider(), get_logger_provider()
    return [type(one).__name__ for one in providers]

before = dict(os.environ), threading.active_count(), kinds()
PROGRAM
print(json.dumps({{
    "imported": [name for name in {SDKS!r} if name in sys.modules],
    "environment": dict(os.environ) == before[0],
    "threads": threading.active_count() - before[1],
    "providers": kinds() == before[2],
}}))
"""


def _run(program: str, **options: str) -> dict[str, object]:
    code = REPORT.replace("PROGRAM", textwrap.dedent(program))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


CLEAN = {"imported": [], "environment": True, "threads": 0, "providers": True}


@pytest.mark.parametrize(
    "program",
    [
        "import genspan",
        "import genspan; genspan.GeminiInstrumentor; genspan.session; genspan.instrument; genspan.__version__",
        "import genspan; dir(genspan)",
        "import genspan; genspan.instrument()",
        "import genspan; genspan.instrument(); genspan.uninstrument()",
        "from genspan import GeminiInstrumentor; GeminiInstrumentor().instrument()",
        "import genspan; genspan.instrument(); genspan.last_trace_id()",
        "import genspan\nwith genspan.session('a', user='b', tags={'c': 'd'}): pass",
        "import genspan.gemini.bindings, genspan.openai.bindings",
    ],
)
def test_nothing_is_loaded_or_changed(program):
    assert _run(program) == CLEAN


def test_the_sdk_is_patched_when_it_is_imported():
    found = _run(
        """
        import genspan
        genspan.instrument()
        from google.genai.models import Models
        assert hasattr(vars(Models)["generate_content"], "__wrapped__")
        genspan.uninstrument()
        assert not hasattr(vars(Models)["generate_content"], "__wrapped__")
        """
    )
    assert "google.genai" in found["imported"]
    assert found["environment"] and found["providers"]


def test_an_sdk_imported_after_uninstrument_is_left_alone():
    _run(
        """
        import genspan
        genspan.instrument()
        genspan.uninstrument()
        from google.genai.models import Models
        assert not hasattr(vars(Models)["generate_content"], "__wrapped__")
        """
    )


def test_instrumented_twice_before_the_import():
    _run(
        """
        import genspan
        for _ in range(3):
            genspan.instrument()
            genspan.uninstrument()
        genspan.instrument()
        genspan.instrument()
        from google.genai.models import Models
        wrapper = vars(Models)["generate_content"]
        assert hasattr(wrapper, "__wrapped__") and not hasattr(wrapper.__wrapped__, "__wrapped__")
        """
    )


def test_public_names():
    import genspan

    assert set(genspan.__all__) <= set(dir(genspan))
    for name in genspan.__all__:
        assert getattr(genspan, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        genspan.nothing  # noqa: B018
