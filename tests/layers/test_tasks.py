"""The order between the packages of tasks, and the files beside the kernels."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "lfpcli"
TASKS = ROOT / "tasks"
# a package may import those to its right; all others stand alone
ORDERS = (
    ("convert", "response", "simulate", "circuits", "head", "measure"),
    ("figures", "statistics"),
    # a page says what lfp info and lfp check say
    ("figures", "files"),
    # a sweep is worth what its runs are
    ("sweep", "files"),
    # a configuration is worth what a run takes of it
    ("files", "circuits"),
)
ALONE = ("morph", "mechs", "convolve", "network")


def package(path: Path) -> str:
    """Name of the package of tasks that a module belongs to."""
    inside = path.relative_to(TASKS)
    return inside.parts[0].removesuffix(".py")


def tasks_imported(path: Path) -> set[str]:
    """Packages of tasks that a module imports anywhere, `TYPE_CHECKING` included."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
    parts = [name.split(".") for name in names if name.startswith("lfpcli.tasks.")]
    return {part[2] for part in parts}


def may_import(importer: str, imported: str) -> bool:
    """Whether one package of tasks may use another."""
    if importer == imported:
        return True
    for order in ORDERS:
        if importer in order and imported in order:
            return order.index(importer) < order.index(imported)
    return False


def test_every_package_has_its_place() -> None:
    packages = {package(path) for path in TASKS.rglob("*.py")} - {"__init__"}
    assert packages <= {*ALONE}.union(*ORDERS)


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(TASKS.rglob("*.py")) if package(path) != "__init__"],
    ids=lambda path: str(path.relative_to(TASKS)),
)
def test_tasks_import_one_way(path: Path) -> None:
    importer = package(path)
    wrong = {name for name in tasks_imported(path) if not may_import(importer, name)}
    assert not wrong, f"tasks/{importer} imports tasks/{', '.join(sorted(wrong))}"


def test_order_forbids_what_it_should() -> None:
    assert may_import("simulate", "measure") and may_import("head", "measure")
    assert not may_import("measure", "head") and not may_import("head", "simulate")
    assert may_import("figures", "statistics") and not may_import("statistics", "figures")
    assert not may_import("figures", "measure") and not may_import("simulate", "morph")


@pytest.mark.parametrize("kernel", sorted(ROOT.rglob("*.pyx")), ids=lambda path: path.stem)
def test_each_kernel_has_its_types(kernel: Path) -> None:
    def functions(text: str) -> set[str]:
        lines = [line for line in text.splitlines() if line.startswith("def ")]
        return {line.removeprefix("def ").partition("(")[0] for line in lines}

    stub = kernel.with_suffix(".pyi")
    assert stub.exists(), f"{kernel.name} has no {stub.name}"
    assert functions(kernel.read_text()) == functions(stub.read_text())
