"""scripts/collector.py finds a Collector, or says what would bring one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
ONLY_ON_THE_PATH = f"""
import sys
sys.path.insert(0, {str(SCRIPTS)!r})
import collector
collector.GO = ("go",)
sys.exit(collector.main(sys.argv[1:]))
"""


@pytest.fixture
def bare(tmp_path):
    """A machine without Go and without a Collector."""
    programs = tmp_path / "bin"
    programs.mkdir()

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": str(programs), "GENSPAN_CACHE": str(tmp_path / "cache"), **variables}
        command = [sys.executable, "-c", ONLY_ON_THE_PATH, *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)

    return run


def install(tmp_path: Path, name: str, says: str) -> Path:
    program = tmp_path / "bin" / name
    program.write_text(f"#!{shutil.which('sh')}\necho '{says}'\n", "utf-8")
    program.chmod(0o755)
    return program


def test_without_go_it_says_what_to_do(bare):
    for arguments in ((), ("--find",)):
        ran = bare(*arguments)
        assert ran.returncode == 1
        assert ran.stdout == ""
        for way in ("make collector", "Go 1.25", "OTELCOL=", "otelcol-contrib on the PATH"):
            assert way in ran.stderr


def test_otelcol_wins_and_must_exist(bare, tmp_path):
    program = install(tmp_path, "mine", "")
    install(tmp_path, "otelcol-contrib", "otelcol-contrib version 0.170.0")
    assert bare(OTELCOL=str(program)).stdout.strip() == str(program)
    missing = bare(OTELCOL=os.devnull)
    assert missing.returncode == 1
    assert "is not a program" in missing.stderr


def test_an_installed_one_must_be_new_enough(bare, tmp_path):
    program = install(tmp_path, "otelcol-contrib", "otelcol-contrib version 0.161.0")
    assert bare("--find").stdout.strip() == str(program)
    install(tmp_path, "otelcol-contrib", "otelcol-contrib version 0.120.1")
    old = bare("--find")
    assert old.returncode == 1
    assert "0.120.1" in old.stderr
    assert "0.161" in old.stderr
