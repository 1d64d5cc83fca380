"""The rules that hold the house up: who may import whom, and what the library never does."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sources import program

ROOT = Path(__file__).parent.parent.parent / "lfpcli"
# each room may import those to its right, and of its own group what is named in WITHIN
ORDER = (
    {"cli", "compat", "__main__"},
    {"tasks"},
    {"model", "plotting", "io"},
    {"runtime", "forward"},
    {"morphology", "kernels"},
    {"guarded"},
    {"errors", "interruptions", "builtin", "geometry", "seeds", "vocabulary", "__init__"},
)
WITHIN = {
    ("runtime", "forward"),
    ("plotting", "io"),
    ("model", "io"),
    ("geometry", "errors"),
    ("builtin", "errors"),
    ("__main__", "cli"),
}


def modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def room(path: Path) -> str:
    inside = path.relative_to(ROOT)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield str(node.module)
            if node.module == "lfpcli":
                yield from (f"lfpcli.{alias.name}" for alias in node.names)


# a circle goes once its room is mended
KNOWN_CIRCLES: set[tuple[str, ...]] = set()


def dotted(path: Path) -> str:
    inside = path.relative_to(ROOT.parent).with_suffix("")
    return ".".join(inside.parts).removesuffix(".__init__")


def import_graph() -> dict[str, set[str]]:
    """Modules of ours that each one imports, in functions and for types too."""
    names = {dotted(path) for path in modules()}
    graph: dict[str, set[str]] = {}
    for path in modules():
        targets = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                targets |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                inside = [f"{node.module}.{alias.name}" for alias in node.names]
                targets |= {name if name in names else str(node.module) for name in inside}
        graph[dotted(path)] = targets & names
    return graph


def reached(graph: dict[str, set[str]], start: str) -> set[str]:
    """Modules that an import of one brings along."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for name in graph[waiting.pop()] - seen:
            seen.add(name)
            waiting.append(name)
    return seen


def test_no_modules_import_each_other() -> None:
    graph = import_graph()
    ahead = {name: reached(graph, name) for name in graph}
    circles = set()
    for name, names in ahead.items():
        if name in names:
            circles.add(tuple(sorted(other for other in names if name in ahead[other])))
    assert circles <= KNOWN_CIRCLES, sorted(circles - KNOWN_CIRCLES)


def rank(name: str) -> int:
    return next(k for k, group in enumerate(ORDER) if name in group)


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    own = room(path)
    for name in imported(ast.parse(path.read_text())):
        parts = name.split(".")
        if parts[0] in ("neuron", "mpi4py"):
            assert own == "runtime", f"{name} belongs to the runtime"
        if parts[0] != "lfpcli" or len(parts) == 1:
            continue
        other = parts[1] if rank_known(parts[1]) else "__init__"
        fits = other == own or rank(other) > rank(own) or (own, other) in WITHIN
        assert fits, f"{own} imports {name}"


def rank_known(name: str) -> bool:
    return any(name in group for group in ORDER)


@pytest.mark.parametrize(
    "path",
    [p for p in modules() if room(p) not in ("cli", "__main__")],
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_library_neither_parses_nor_prints_nor_exits(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert "argparse" not in set(imported(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called == "os._exit" and path == ROOT / "guarded" / "trial.py":
                continue  # ends the child that it began, not the process of its caller
            assert called not in ("print", "exit", "quit", "sys.exit", "os._exit"), called


LIGHT = ("lfpcli.cli", "lfpcli.errors", "lfpcli.interruptions", "lfpcli.vocabulary")


@pytest.mark.parametrize("path", sorted((ROOT / "cli").glob("*.py")), ids=lambda p: p.name)
def test_commands_have_no_numerics_and_import_little(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert not {"numpy", "scipy", "h5py"} & {name.split(".")[0] for name in imported(tree)}
    allowed = {*sys.stdlib_module_names, "__future__"}
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for name in imported(ast.Module([node], [])):
                light = name.startswith(LIGHT)
                assert light or name == "lfpcli" or name.split(".")[0] in allowed, name


def tell_modules() -> None:
    import sys

    import lfpcli  # noqa: F401

    print(*sys.modules)


def test_importing_the_library_imports_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-c", program(tell_modules)], capture_output=True, text=True, check=True
    )
    assert not {"numpy", "scipy", "h5py", "neuron", "matplotlib"} & set(done.stdout.split())


def test_public_names_are_there() -> None:
    import lfpcli

    for name in lfpcli.__all__:
        assert getattr(lfpcli, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Sell'"):
        lfpcli.Sell  # noqa: B018


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_stay_short_and_documented(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) < 500
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "a module says what it is"
    assert not re.search(r"^# ?[-=]{4,}", text, re.MULTILINE), "no section banners"
