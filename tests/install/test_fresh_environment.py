"""The README's lines in code, in an environment that has nothing but the wheel and an SDK."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.mlflow_server import mlflow_server
from tests.support.otlp_sink import OtlpSink, attributes
from tests.support.provider import FakeProvider
from tests.support.stored import Stored

__all__ = ["mlflow_server"]
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
ROOT = Path(__file__).resolve().parents[2]
NAME = "generate_content gemini-2.5-flash"
PROGRAM = """
from google import genai

client = genai.Client()
print(client.models.generate_content(model="gemini-2.5-flash", contents="The opposite of hot is").text)
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> Path:
    """The interpreter of a new environment with the wheel and google-genai."""
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not installed, which builds the wheel")
    folder = tmp_path_factory.mktemp("fresh")

    def run(*arguments: str) -> None:
        done = subprocess.run([uv, *arguments], capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, done.stderr

    run("build", "--quiet", "--wheel", "--out-dir", str(folder), str(ROOT))
    run("venv", "--quiet", "--python", sys.executable, str(folder / "venv"))
    interpreter = folder / "venv/bin/python"
    (wheel,) = folder.glob("*.whl")
    run("pip", "install", "--quiet", "--python", str(interpreter), f"genspan[gemini] @ {wheel.as_uri()}")
    return interpreter


@pytest.fixture
def provider():
    with FakeProvider() as running:
        yield running


def lines_of_the_readme() -> str:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    return next(block for block in blocks if "genspan.configure(" in block)


def run(python: Path, provider: FakeProvider, code: str, folder: Path) -> None:
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    env = {name: os.environ[name] for name in kept if name in os.environ}
    env |= {"GEMINI_API_KEY": "key-of-the-test", "GOOGLE_GEMINI_BASE_URL": provider.url}
    (folder / "app.py").write_text(code + PROGRAM, encoding="utf-8")
    done = subprocess.run(
        [str(python), "app.py"], env=env, cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "The opposite of hot is" in done.stdout


def test_into_mlflow(python, provider, mlflow_server, tmp_path):
    code = lines_of_the_readme()
    assert 'mlflow="http://localhost:5000", experiment="Gemini"' in code
    run(python, provider, code.replace("http://localhost:5000", mlflow_server.uri), tmp_path)
    (info,) = mlflow_server.trace_infos("Gemini")
    trace = Stored(mlflow_server.trace(info["trace_id"]))
    billed = provider.ledger.total()
    assert info["tags"]["mlflow.traceName"] == NAME
    assert info["request_preview"] == "The opposite of hot is"
    assert (trace.usage["input_tokens"], trace.usage["output_tokens"]) == (billed.input, billed.output)


def test_into_an_otlp_receiver(python, provider, tmp_path):
    line = re.search(r'# or (endpoint="http://collector:4318")', lines_of_the_readme())
    assert line is not None
    with OtlpSink() as sink:
        arguments = line[1].replace("http://collector:4318", sink.url)
        run(python, provider, f"import genspan\n\ngenspan.configure({arguments})\n", tmp_path)
        (span,) = sink.spans
        billed = provider.ledger.total()
        assert span.name == NAME
        assert attributes(span)["gen_ai.usage.input_tokens"] == billed.input
        assert attributes(span)["gen_ai.usage.output_tokens"] == billed.output
        assert "/v1/metrics" in {request.path for request in sink.requests}
        assert b"The opposite of hot is" not in sink.raw
