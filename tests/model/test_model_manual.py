"""The manual page says what the tables do."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from model_trees import MINIMAL

from lfpcli.model import load_model
from lfpcli.model.reference import TABLES, refreshed
from lfpcli.model.tables import Table, keys_of
from lfpcli.model.text import parse, parse_value

PAGE = Path(__file__).parents[2] / "man" / "lfp-model.5"

SPIKE_FILES = ("lfpcli.model.point_network", "lfpcli.model.trains")


def subclasses(cls: type[Table]) -> set[type[Table]]:
    """Tables of models; those of `lfp spikes` are in its own page."""
    inner = [c for c in cls.__subclasses__() if c.__module__ not in SPIKE_FILES]
    return {cls}.union(*(subclasses(c) for c in inner))


def blocks() -> dict[str, str]:
    text = PAGE.read_text()
    found = re.findall(r'^\.\\" keys: (\w+)\n(.*?)^\.\\" end$', text, re.MULTILINE | re.DOTALL)
    return dict(found)


def test_page_has_the_keys_as_they_are() -> None:
    page = PAGE.read_text()
    assert refreshed(page) == page, (
        'refresh it: python -c "from lfpcli.model.reference import refresh; '
        "refresh('man/lfp-model.5')\""
    )


def test_every_table_and_key_is_in_the_page() -> None:
    shown = blocks()
    assert set(shown) == set(TABLES)
    bases = {Table} | {c for c in subclasses(Table) if c.__subclasses__()} - set(TABLES.values())
    assert subclasses(Table) - bases == set(TABLES.values())
    for name, cls in TABLES.items():
        for key, spec, _ in keys_of(cls):
            assert spec.rest or f"\n.B {key}\n" in "\n" + shown[name], f"{name}: {key}"


def test_defaults_and_units_are_in_the_page() -> None:
    assert '.B dt\nA number > 0 (ms) or "adaptive". Default 0.025.\n' in blocks()["run"]
    assert ".B Ra\nA number > 0 (ohm cm). Optional.\n" in blocks()["cell"]
    assert (
        '.B delay\nA number > 0 (ms) or {dist = NAME, ...}, {expr = "..."} or {column = NAME}. '
        "Default 1.\n" in blocks()["connection"]
    )


def test_examples_of_the_page_load() -> None:
    text = PAGE.read_text().replace(r"\-", "-")
    examples = re.findall(r"^\.EX\n(.*?)^\.EE$", text, re.MULTILINE | re.DOTALL)
    tables = [e for e in examples if e.startswith("[")]
    assert len(tables) > 8
    cells = [e for e in tables if e.startswith("[cell.")]
    whole = "".join(e for e in tables if e not in cells) + cells[-1]
    whole = cells[1] + "".join(e for e in tables if e not in cells)
    whole += "[population.I]\ncell = 'pyr'\n"
    tree, _ = parse(whole, "page")
    assert len(load_model(tree).probes) == 3
    for example in cells:
        tree, _ = parse(example if "morph" in example else MINIMAL_TOML + example, "page")
        load_model({"population": {"E": {"cell": "pyr"}}, **tree})


MINIMAL_TOML = "[cell.pyr]\nmorphology = 'a.swc'\n"

HOLDERS = {
    "nseg": ("cell", "pyr"),
    "rotate": ("cell", "pyr"),
    "distort": ("cell", "pyr"),
    "place": ("population", "P"),
    "location": ("connection", 0),
    "synapse": ("connection", 0),
    "source": ("input", 0),
    "weight": ("connection", 0),
    "current": ("field", 0),
    "csd": ("probe", 0),
    "filter": ("probe", 1),
}


def test_single_lines_of_the_page_load() -> None:
    text = PAGE.read_text().replace(r"\-", "-")
    lines = re.findall(r"^(\w+) = (.*[\]}\d])$", text, re.MULTILINE)
    seen = set()
    for key, value in lines:
        if key not in HOLDERS:
            continue
        tree = {
            "cell": {"pyr": {"morphology": "a.swc"}},
            "population": {"P": {"cell": "pyr"}},
            "stimulus": [{"type": "IClamp"}],
            "input": [{"synapse": {"type": "S"}, "weight": 1, "source": {"poisson": 1}}],
            "connection": [
                {
                    "pre": "P",
                    "post": "P",
                    "rule": {"pairs": "a.csv"},
                    "synapse": {"type": "S"},
                    "weight": 1,
                }
            ],
            "field": [{"electrodes": [[0, 0, 0]], "current": {"amp": 1, "dur": 1}}],
            "probe": [{"csd": {"z": [0, 1], "dz": 1, "radius": 1}}, {"contacts": [[0, 0, 0]]}],
        }
        table, entry = HOLDERS[key]
        tree[table][entry][key] = parse_value(value)  # type: ignore[index]
        load_model(tree)
        seen.add(key)
    assert seen == set(HOLDERS)


def test_minimal_example_is_a_model() -> None:
    assert load_model(MINIMAL).cells


@pytest.mark.skipif(shutil.which("groff") is None, reason="needs groff")
def test_page_is_good_roff() -> None:
    done = subprocess.run(
        ["groff", "-man", "-ww", "-Tutf8", str(PAGE)], capture_output=True, check=False
    )
    assert done.returncode == 0
    assert done.stderr == b""
    assert b"lambda" in done.stdout
