"""What the distributions and images carry, and the files around them."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from lfpcli import __version__
from lfpcli.tasks.files.examples import examples
from lfpcli.tasks.files.versions import OPTIONAL, REQUIRED

ROOT = Path(__file__).parents[2]


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_one_version_everywhere() -> None:
    assert f'version = "{__version__}"' in text_of("pyproject.toml")
    assert f"version: {__version__}" in text_of("CITATION.cff")
    assert f'version = "{__version__}"' in text_of("conda/meta.yaml")


def test_doctor_looks_at_all_packages_that_are_asked_for() -> None:
    text = text_of("pyproject.toml")
    block = text.split("\ndependencies = [")[1].split("\n]")[0]
    required = set(re.findall(r'^ +"([\w-]+)', block, re.MULTILINE)) - {"tomli"}
    assert {name.lower() for name in REQUIRED} == required
    extras = text.split("[project.optional-dependencies]\n")[1].split("\ntest = [")[0]
    stated = {
        (package.lower(), name)
        for name, packages in re.findall(r"^(\w+) = \[(.*)\]$", extras, re.MULTILINE)
        for package in re.findall(r'"([\w-]+)', packages)
    }
    looked_at = {(package.lower(), extra) for package, extra in OPTIONAL.items()}
    # its launcher is looked at, by its program
    assert stated - {("openmpi", "mpi")} == looked_at


def test_the_recipe_starts_what_the_package_starts() -> None:
    script = re.search(r"^lfp = \"([\w.:]+)\"$", text_of("pyproject.toml"), re.MULTILINE)
    assert script is not None
    assert f"- lfp = {script[1]}\n" in text_of("conda/meta.yaml")


def test_the_recipe_asks_for_what_the_package_asks_for() -> None:
    block = text_of("pyproject.toml").split("dependencies = [")[1].split("]")[0]
    package = set(re.findall(r'"([\w-]+[>=\d.]+)', block))
    recipe = text_of("conda/meta.yaml").split("run:")[1].split("test:")[0]
    asked = {line.replace(" ", "") for line in re.findall(r"- ([\w-]+ >=[\d.]+)", recipe)}
    renamed = {entry.replace("matplotlib-base", "matplotlib") for entry in asked}
    assert package == renamed - {"python>=3.10"}


@pytest.mark.parametrize("name", examples())
def test_notebooks_are_those_of_the_examples(name: str) -> None:
    spec = importlib.util.spec_from_file_location("make", ROOT / "tools/make_notebooks.py")
    assert spec is not None and spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    committed = text_of(f"doc/notebooks/{name}.ipynb")
    assert tool.notebook_text(examples()[name]) == committed, "run tools/make_notebooks.py"


@pytest.mark.parametrize("script", sorted((ROOT / "doc/jobs").iterdir()), ids=lambda p: p.name)
def test_job_scripts_are_shell(script: Path) -> None:
    subprocess.run(["bash", "-n", str(script)], check=True)


@pytest.mark.parametrize("code", [0, 3, 128 + signal.SIGTERM, 128 + signal.SIGUSR1])
@pytest.mark.parametrize("script", sorted((ROOT / "doc/jobs").iterdir()), ids=lambda p: p.name)
def test_a_job_goes_on_after_a_checkpoint(script: Path, code: int, tmp_path: Path) -> None:
    for launcher in ("srun", "mpirun"):
        (tmp_path / launcher).write_text(f'#!/bin/sh\necho "$@" >> run; exit {code}\n')
    for submitting in ("sbatch", "qsub"):
        (tmp_path / submitting).write_text('#!/bin/sh\necho "$@" >> submitted\n')
    for program in tmp_path.iterdir():
        program.chmod(0o755)
    variables = {"MODEL": "net.toml", "OUTPUT": "net.h5", "PBS_O_WORKDIR": str(tmp_path)}
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", str(script), "net.toml", "net.h5"],
        cwd=tmp_path,
        env={**os.environ, **variables, "SLURM_NTASKS": "64", "PATH": path},
        check=False,
    )
    run = (tmp_path / "run").read_text()
    assert run == "lfp sim net.toml -o net.h5 --checkpoint 1000 --resume\n"
    goes_on = code > 128
    if script.suffix == ".lsf":
        assert done.returncode == code
        codes = re.findall(r'^#BSUB -Q "(.*)"', script.read_text(), re.MULTILINE)[0].split()
        assert (str(code) in codes) is goes_on
    else:
        assert done.returncode == (0 if goes_on else code)
        assert (tmp_path / "submitted").exists() is goes_on


def test_the_image_needs_no_rights_and_runs_the_command() -> None:
    stages = text_of("Dockerfile").split("\nFROM ")
    assert 'ENTRYPOINT ["lfp"]' in stages[-1]
    assert all(re.search(r"^USER 1000", stage, re.MULTILINE) for stage in stages[2:-1])
    lab = next(stage for stage in stages if "AS lab" in stage)
    assert "--port=5000" in lab and "EXPOSE 5000" in lab
    assert not re.search(r":latest|^FROM \w+$", text_of("Dockerfile"), re.MULTILINE)
    pinned = re.findall(r"^([\w.-]+)==[\w.]+$", text_of("constraints.txt"), re.MULTILINE)
    assert {name.lower() for name in REQUIRED} <= {name.lower() for name in pinned}
    for text in (text_of("Dockerfile"), text_of("doc/apptainer.def")):
        assert re.search(r"--constraint (/source/)?constraints\.txt", text)


@pytest.mark.slow
def test_distributions_carry_what_they_need(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    for name in files:
        if not name.startswith("tests/"):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    build = "import setuptools.build_meta as b, sys; b.{}(sys.argv[1])"
    for hook in ("build_sdist", "build_wheel"):
        subprocess.run(
            [sys.executable, "-c", build.format(hook), str(tmp_path)],
            cwd=source,
            check=True,
            capture_output=True,
        )
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    needed = {"tools/build_kernels.py", "tools/build_package.py", "lfpcli/kernels/lanes.h"}
    assert needed <= names and "lfpcli/kernels/_contract.pyx" in names
    assert not any(name.endswith((".so", ".c")) for name in names)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        carried = set(wheel.namelist())
    data = f"lfpcli-{__version__}.data/data/share/man"
    assert {
        "lfpcli/py.typed",
        "lfpcli/share/examples/quickstart.toml",
        "lfpcli/share/examples/linear.csv",
        "lfpcli/share/morphologies/l5_pyramidal.swc",
        "lfpcli/share/man/lfp-model.5",
        "lfpcli/runtime/engine/tap.cpp",
        "lfpcli/plotting/page/main.js",
        f"{data}/man1/lfp-sim.1",
        f"{data}/man7/lfp-accuracy.7",
    } <= carried
    assert sum(name.endswith(".so") for name in carried) == 3
