"""The manual: clean pages, and what its pages of the library say holds."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import textwrap
from importlib.util import find_spec
from pathlib import Path

import pytest

import lfpcli
from lfpcli.builtin import builtin_names, manual_folder
from lfpcli.cli.manual import unescaped
from lfpcli.tasks.files.examples import examples

PAGES = sorted(manual_folder().glob("lfp*.[1-9]"))
# read by the program, or by what it stands on, and of no concern to a user
PRIVATE = {"HOME", "PATH", "PYTHONPATH", "_ARGCOMPLETE", "NEURON_MODULE_OPTIONS"}
PRIVATE |= {"CORENEURONLIB", "OPENBLAS_NUM_THREADS", "MPLBACKEND"}


def page(name: str) -> str:
    return (manual_folder() / name).read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is not installed")
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_mandoc_has_nothing_to_say(path: Path) -> None:
    done = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout + done.stderr == ""


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_has_a_date_and_leads_on(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.match(r'\.TH LFP[A-Z-]* \d "\d{4}-\d\d-\d\d" ', text)
    listed = unescaped(text.split(".SH SEE ALSO\n")[1])
    others = re.findall(r"^\.BR (lfp[\w-]*) \((\d)\)", listed, flags=re.MULTILINE)
    assert others
    assert all((manual_folder() / f"{name}.{section}").exists() for name, section in others)


def test_options_are_those_of_the_parsers() -> None:
    tool = Path(__file__).parents[2] / "tools" / "page_options.py"
    done = subprocess.run(
        [sys.executable, str(tool), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_a_page_that_is_not_fresh_is_mended(tmp_path: Path) -> None:
    shutil.copytree(Path(__file__).parents[2] / "man", tmp_path / "man")
    (tmp_path / "tools").mkdir()
    tool = tmp_path / "tools" / "page_options.py"
    shutil.copy(Path(__file__).parents[2] / "tools" / "page_options.py", tool)
    target = tmp_path / "man" / "lfp-probe.1"
    fresh = target.read_text(encoding="utf-8")
    target.write_text(fresh.replace("OPTIONS IN SHORT", "OPTIONS"), encoding="utf-8")
    stale = [sys.executable, str(tool), "--check"]
    done = subprocess.run(stale, capture_output=True, text=True, check=False)
    assert (done.returncode, "lfp-probe.1" in done.stdout) == (1, True)
    subprocess.run([sys.executable, str(tool)], check=True)
    assert ".SH OPTIONS IN SHORT\n" in target.read_text(encoding="utf-8")


def test_the_first_page_leads_to_all_others() -> None:
    listed = unescaped(page("lfp.1").split(".SH SEE ALSO\n")[1])
    others = [path for path in PAGES if path.stem != "lfp"]
    assert all(f".BR {path.stem} ({path.suffix[1]})" in listed for path in others)


def test_variables_of_the_environment_are_told() -> None:
    sources = Path(lfpcli.__file__).parent.rglob("*.py")
    pattern = re.compile(r'environ(?:\.get\(|\[|\.setdefault\()\s*"([A-Z_]+)"')
    used = set()
    for path in sources:
        used.update(pattern.findall(path.read_text(encoding="utf-8")))
    assert len(used) > 5
    manual = "".join(path.read_text(encoding="utf-8") for path in PAGES)
    launcher = {name for name in used if name.startswith(("OMPI_", "PMI_", "SLURM_"))}
    assert {name for name in used - PRIVATE - launcher if name not in manual} == set()


def test_every_example_and_shipped_cell_has_its_lines() -> None:
    text = page("lfp-examples.7")
    assert all(f".B {name}\n" in text for name in examples())
    cells = {name for name, path in builtin_names().items() if path.suffix == ".swc"}
    assert all(f"builtin:{name}" in text for name in cells)


def test_public_names_of_the_library_are_told() -> None:
    listed = page("lfp-python.7").split(".SH PUBLIC NAMES\n")[1].split(".SH ")[0]
    heads = re.findall(r"^\.TP\n\.B (.*)$", listed, flags=re.MULTILINE)
    names = {name.strip() for head in heads for name in head.split(",")}
    assert names == set(lfpcli.__all__) - {"__version__"}


def test_lines_of_python_run(neuron_process, tmp_path: Path, shell) -> None:
    blocks = re.findall(r"^\.EX\n(.*?)^\.EE", page("lfp-python.7"), flags=re.DOTALL | re.MULTILINE)
    assert len(blocks) == 4
    shell("sim", "builtin:quickstart", "--tstop", 5, "-o", tmp_path / "out.h5", "-q")
    root = Path(__file__).parents[2]
    readme = re.findall(
        r"^```python\n(.*?)^```", (root / "README.md").read_text(), re.DOTALL | re.M
    )
    code = readme[0] + "\nresults['readme'] = lfp.data\n"
    if find_spec("pandas"):
        howto = (root / "doc/howto.rst").read_text().split(".. code-block:: python\n")[1]
        code += textwrap.dedent(howto.split("\n``lfp convert")[0])
        code += "\nassert frame.shape == (161, 16) and frame.index[-1] == 5.0\n"
    code += "\n".join(unescaped(block) for block in blocks)
    code += "\nresults['lfp'] = lfp\nresults['probe'] = probe.data\n"
    code += "results['axes'] = len(figure.axes)\n"
    results = neuron_process(code)
    assert results["axes"] >= 2
    assert results["readme"].shape[0] == 11 and abs(results["readme"]).max() > 1e-4
    assert results["lfp"].shape == (161, 16)
    assert abs(results["probe"]).max() > 1e-5


def test_the_script_of_lfpy_runs(neuron_process) -> None:
    blocks = re.findall(r"^\.EX\n(.*?)^\.EE", page("lfp-lfpy.7"), flags=re.DOTALL | re.MULTILINE)
    results = neuron_process(unescaped(blocks[0]) + "\nresults['current'] = synapse.i\n")
    assert results["current"].min() < -1e-3
