"""Who may import what, name attributes, patch SDKs, and start or end spans (docs/adr says why)."""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path

import pytest

from genspan._core import supported_sdks

ROOT = Path(__file__).resolve().parents[2]
GENSPAN = ROOT / "instrumentation" / "genspan"
SEMCONV = ROOT / "semconv" / "genspan_semconv"
LIBRARIES = {"langchain", "mlflow", "httpx", "httpx2", "aiohttp", "pydantic"}
SDKS = {sdk.package.partition(".")[0] for sdk in supported_sdks.SDKS.values()} | LIBRARIES
STANDARD = sys.stdlib_module_names
# Pure modules of a provider: everything but what binds them to the SDK.
BINDING = (*("bindings.py", "__init__.py", "tools.py", "sockets.py", "sdk_tracing.py", "sessions.py", "agents.py"),)


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def _imports(path: Path, types: bool = False) -> set[str]:
    """Names of modules imported; those for type checkers alone are left out unless asked for."""
    found: set[str] = set()
    skipped: set[ast.AST] = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test) and not types:
            skipped.update(inner for child in node.body for inner in ast.walk(child))
    for node in ast.walk(_tree(path)):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def _relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


ALL = [*_files(GENSPAN), *_files(SEMCONV)]
CORE = _files(GENSPAN / "_core")
PROVIDERS = [folder for folder in GENSPAN.iterdir() if (folder / "bindings.py").exists()]


@pytest.mark.parametrize("path", _files(SEMCONV), ids=_relative)
def test_semconv_knows_neither_sdks_nor_genspan(path):
    roots = {name.partition(".")[0] for name in _imports(path, types=True)}
    assert roots <= STANDARD | {"genspan_semconv", "orjson"}


@pytest.mark.parametrize("path", _files(GENSPAN / "dialects"), ids=_relative)
def test_dialects_know_no_provider(path):
    """Readers that several providers share import the model, each other and the standard library."""
    for name in _imports(path):
        assert name.startswith("genspan.dialects") or name.partition(".")[0] in STANDARD | {"genspan_semconv"}, name
        assert not name.startswith("genspan_semconv.render"), name


@pytest.mark.parametrize("path", CORE, ids=_relative)
def test_the_core_knows_no_provider(path):
    for name in _imports(path, types=True):
        parts = name.split(".")
        assert parts[0] not in SDKS, name
        if parts[0] == "genspan":
            assert parts[1] == "_core", name


ROOMS = ("", "wire", "routes", "emit", "calls", "hooks")
"""The rooms of the core, from the ground up: a module imports from its own room and those below it."""


def _arrows(path: Path) -> set[str]:
    """The modules of genspan that a module imports, also for type checkers alone."""
    found: set[str] = set()
    for name in _imports(path, types=True):
        if name.startswith("genspan."):
            parts = name.split(".")
            target = GENSPAN.joinpath(*parts[1:])
            found.add(name if target.with_suffix(".py").exists() or target.is_dir() else ".".join(parts[:-1]))
    return found


def _name(path: Path) -> str:
    return ".".join(path.relative_to(GENSPAN.parent).with_suffix("").parts).removesuffix(".__init__")


def _floor(name: str) -> int:
    parts = name.split(".")
    return ROOMS.index(parts[2] if len(parts) > 2 and (GENSPAN / "_core" / parts[2]).is_dir() else "")


@pytest.mark.parametrize("path", CORE, ids=_relative)
def test_rooms_of_the_core_stack(path):
    assert {name for name in _arrows(path) if _floor(name) > _floor(_name(path))} == set()


def test_no_module_imports_itself_by_way_of_others():
    graph = {_name(path): _arrows(path) for path in _files(GENSPAN)}

    def reached(start: str) -> set[str]:
        found: set[str] = set()
        waiting = [start]
        while waiting:
            new = graph.get(waiting.pop(), set()) - found
            found |= new
            waiting += new
        return found

    assert [name for name in graph if name in reached(name)] == []


@pytest.mark.parametrize("path", ALL, ids=_relative)
def test_no_module_imports_an_sdk(path):
    """At its top: what a command or a hook imports inside a function is loaded when it runs."""
    top = {node for node in _tree(path).body if isinstance(node, (ast.Import, ast.ImportFrom))}
    names = {alias.name for node in top if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in top if isinstance(node, ast.ImportFrom)}
    assert not {name.partition(".")[0] for name in names} & SDKS


@pytest.mark.parametrize("folder", PROVIDERS, ids=lambda folder: folder.name)
def test_readers_of_a_provider_are_pure(folder):
    """The modules with `response` and `answer` import the model, each other and the standard library."""
    readers = [path for path in _files(folder) if path.name not in BINDING and not path.name.endswith("_bindings.py")]
    assert readers or folder.name in ("google_generativeai", "groq"), "whose JSON gemini's read, and the dialects"
    allowed = STANDARD | {"genspan_semconv"}
    for path in readers:
        if "def response(" not in path.read_text("utf-8"):
            continue
        for name in _imports(path):
            root, _, rest = name.partition(".")
            own = root == "genspan" and rest.startswith((f"{folder.name}.", "dialects."))
            assert root in allowed or own, f"{_relative(path)} imports {name}"
            assert not name.startswith("genspan_semconv.render"), f"{_relative(path)} imports {name}"


ATTRIBUTES = (
    "gen_ai.",
    "mlflow.spanType",
    "mlflow.chat",
    "mlflow.llm",
    "mlflow.spanInputs",
    "mlflow.spanOutputs",
    "genspan.",
)
# The exporter's clean-up also knows one of MLflow's that we never write; others' usage is known by prefixes.
NAMING = {
    *(SEMCONV / "attributes.py", *SEMCONV.glob("render_*.py"), SEMCONV / "usage_attributes.py"),
    GENSPAN / "mlflow" / "sanitize.py",
}


@pytest.mark.parametrize("path", [one for one in ALL if one not in NAMING], ids=_relative)
def test_only_renderers_name_attributes(path):
    documents = {
        node.body[0].value
        for node in ast.walk(_tree(path))
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    texts = [
        node.value
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in documents
    ]
    modules = {one for one in texts if one.startswith("genspan.") and _is_module(one)}
    names = [one for one in texts if one.startswith(ATTRIBUTES) and " " not in one]  # a text is no name
    assert set(names) - modules == set()


def _is_module(name: str) -> bool:
    path = ROOT / "instrumentation" / Path(*name.partition(":")[0].split("."))
    return name == "genspan." or path.exists() or path.with_suffix(".py").exists()


def _calls(path: Path) -> set[str]:
    return {
        node.func.attr
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }


STARTING = {"_core/emit/telemetry.py"}
# The second only asks to be called when an SDK is imported, the third wraps how multiprocessing ends a child.
PATCHING = {"_core/hooks/patches.py", "_core/hooks/instrumentor.py", "_setup/process_end.py"}


@pytest.mark.parametrize("path", _files(GENSPAN), ids=_relative)
def test_one_place_starts_spans_and_one_patches(path):
    name = str(path.relative_to(GENSPAN))
    calls = _calls(path)
    if name not in STARTING:
        assert not calls & {"start_span", "start_as_current_span"}
    if name not in PATCHING:
        assert not calls & {"resolve_path", "FunctionWrapper", "wrap_function_wrapper", "register_post_import_hook"}
        names = {node.id for node in ast.walk(_tree(path)) if isinstance(node, ast.Name)}
        assert "setattr" not in names


@pytest.mark.parametrize("path", ALL, ids=_relative)
def test_files_are_short(path):
    """400 lines at most; what is generated is not read by hand."""
    text = path.read_text("utf-8")
    if path.name != "attributes.py":
        assert len(text.splitlines()) <= 400


@pytest.mark.parametrize("path", ALL, ids=_relative)
def test_functions_are_short(path):
    for node in ast.walk(_tree(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert (node.end_lineno or 0) - node.lineno < 60, f"{node.name} has more than 60 lines"


def test_the_environment_is_written_in_one_place():
    """The distro's defaults, as every distro of OpenTelemetry sets them; instrumentors never do, but for one.

    The command that starts MLflow's server hands them to the processes of the server.
    """
    written = []
    for path in _files(GENSPAN):
        text = path.read_text("utf-8")
        if any(word in text for word in ("environ[", "environ.setdefault", "putenv", "environ.update")):
            stores = [node for node in ast.walk(_tree(path)) if isinstance(node, ast.Subscript)]
            stores = [
                node for node in stores if isinstance(node.ctx, ast.Store) and "environ" in ast.unparse(node.value)
            ]
            if stores or "environ.setdefault" in text:
                written.append(str(path.relative_to(GENSPAN)))
    assert written == ["distro.py", "mlflow_gateway/bindings.py"]
