"""Every place in an installed SDK of the generated base that issues a request, found in its source."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

_VERBS = {
    "_get": "GET",
    "_get_api_list": "GET",
    "_post": "POST",
    "_put": "PUT",
    "_patch": "PATCH",
    "_delete": "DELETE",
}


def requests(package: ModuleType) -> dict[str, set[str]]:
    """`VERB /path/{}` -> the methods that issue it."""
    found: dict[str, set[str]] = {}
    for name, function in _functions(package):
        for node in ast.walk(function):
            verb = _VERBS.get(node.func.attr) if _is_call(node) else None
            if verb is None:
                continue
            if node.func.attr == "_get_api_list":
                verb = next((one.value.value.upper() for one in node.keywords if one.arg == "method"), verb)
            found.setdefault(f"{verb} {_path(node.args[0])}", set()).add(name)
    return found


def connections(package: ModuleType) -> set[str]:
    """The websocket connections: classes that parse events."""
    return {name for name, function in _functions(package) if function.name == "parse_event"}


def _functions(package: ModuleType) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    resources = Path(package.__file__ or "").parent / "resources"
    for file in sorted(resources.rglob("*.py")):
        module = ".".join(file.relative_to(resources).with_suffix("").parts)
        for node in ast.parse(file.read_text("utf-8")).body:
            for function in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    yield f"{module}.{node.name}.{function.name}", function


def _is_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)


def _path(node: ast.expr) -> str:
    if isinstance(node, ast.Call):  # path_template("...", ...)
        node = node.args[0]
    if isinstance(node, ast.JoinedStr):
        pieces = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
        return "".join(pieces).partition("?")[0]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _without_names(node.value).partition("?")[0]
    return ast.unparse(node)


def _without_names(path: str) -> str:
    return "/".join("{}" if piece.startswith("{") else piece for piece in path.split("/"))


def classified(file: Path) -> dict[str, str | None]:
    """`VERB /path/{}` -> operation, or None where it is not traced, as a list of ours has it."""
    found: dict[str, str | None] = {}
    operation = None
    for line in file.read_text("utf-8").splitlines():
        if line.startswith("["):
            kind, _, name = line.strip("[]").partition(" as ")
            operation = name if kind == "traced" else None
        elif line and not line.startswith("#"):
            found[line] = operation
    return found
