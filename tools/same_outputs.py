"""Run a broad set of commands with two programs and say where what they write differs.

Usage: python tools/same_outputs.py [BEFORE [AFTER]] [--work DIR] [--only TEXT] [--list]

BEFORE and AFTER are programs (``.venv/bin/lfp``) or commits of this tree, which are built first;
left out, the ``lfp`` of this Python. So without any, whether two runs write the same; with a
commit, what has changed since.

Each case is a few lines of shell in a folder of its own, once per program. Files of arrays are
compared by the second program's ``lfp diff --exact``; texts (standard output and error, exit
codes, JSON, SVG, SWC) line by line; all else byte by byte. Exit code 1: something differs.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INPUTS = ROOT / "tools" / "same_inputs"
# compared as arrays; the provenance of recordings is left out, as `lfp diff` does by default
ARRAYS = {".h5", ".npz", ".npy"}
TEXTS = {".out", ".err", ".code", ".json", ".svg", ".swc", ".csv", ".txt"}
NETWORK = "lfp sim network.toml"
RANKS = "mpirun --oversubscribe -n 2"

# name of a case: its lines; `inputs` of this folder and the tree's `share` lie in the folder
CASES: dict[str, tuple[str, ...]] = {
    "help": (
        "lfp --help",
        "lfp --version",
        *(
            f"lfp {command} --help"
            for command in ("morph", "mechs", "sim", "probe", "eeg", "meg", "plot", "info", "diff")
        ),
    ),
    "morph": (
        "lfp morph share/morphologies/*.swc --json",
        "lfp morph share/morphologies/l5_pyramidal.swc -o summary.json",
        "lfp morph share/morphologies/basket.swc --rotate x=90,z=30 --shift 0,0,100 -o cell.h5",
        "lfp morph share/morphologies/stick.swc --mirror x | lfp morph - -o mirrored.swc",
        "lfp morph cell.h5 --distort z=0.2,nu=0.3 --scale 1.1 -o again.swc",
        "lfp morph broken.swc",
        "lfp morph broken.swc --repair -o mended.swc",
        "lfp morph cell.asc -o asc.swc",
        "lfp morph geometry.hoc -o hoc.swc",
        "lfp morph geometry.hoc -o hoc.h5",
        "lfp morph share/morphologies/l23_pyramidal.swc --json --max-length 20",
    ),
    "mechs": (
        "lfp mechs mods > library.txt && test -e $(cat library.txt)",
        "lfp mechs --describe hh --json",
        "lfp mechs mods --list",
        "lfp mechs mods --check",
        "lfp mechs --list",
        "lfp mechs --describe nowhere",
    ),
    "quickstart": (
        "lfp sim share/examples/quickstart.toml -o out.h5",
        "lfp plot out.h5 -o out.svg",
        "lfp plot out.h5 -o out.png --what signals,dipole --dpi 80",
        "lfp info out.h5",
        "lfp sim share/examples/quickstart.toml --dry-run",
        "lfp sim share/examples/quickstart.toml --tstop 20 -o - | lfp plot - -o piped.svg",
    ),
    "example network": (
        "lfp sim share/examples/network.toml --tstop 20 -o out.h5",
        "lfp sim share/examples/network.toml --dry-run --json",
        "lfp plot out.h5 -o out.svg",
    ),
    "cell": (
        "lfp sim cell.toml -o out.h5",
        "lfp info out.h5 --json",
        "lfp info out.h5 -v",
        "lfp sim cell.toml --dry-run",
        "lfp sim cell.toml --set run.dt=adaptive -o adaptive.h5",
        "lfp sim cell.toml --set run.engine=coreneuron -o coreneuron.h5",
        "lfp sim cell.toml --float32 --set record.every=4 --set run.tstart=-5 -o short.h5",
        "lfp plot out.h5 -o traces.svg --form traces --signal line --channels 0-2 --time 5,20",
        "lfp plot out.h5 -o csd.svg --signal laminar",
        "lfp plot out.h5 -o cells.svg --what geometry --view yz",
        "lfp diff out.h5 coreneuron.h5",
    ),
    "quick options": (
        "lfp sim share/morphologies/ball_and_stick.swc --passive --input soma:0.005@5,10"
        " --stim 'dend(0.3):0.1@2+8' --tstop 20 --seed 1 -o out.h5",
        "lfp sim share/morphologies/ball_and_sticks.swc --passive g=2e-4,e=-70"
        " --insert hh@soma:gnabar=0.2 --synapse ExpSyn:tau=1,e=0 --input '@0,0,200:0.01@3'"
        " --array tetrode --record imem,vmem,ik --tstop 10 --seed 1 -o array.h5",
        "cat share/morphologies/stick.swc | lfp sim - --passive --tstop 2 --seed 1 -o - > stdin.h5",
        "lfp sim --hoc init.hoc --contacts 40,0,0 --tstop 25 --record imem --seed 1 -o hoc.h5",
        "lfp sim cell.asc --passive --tstop 2 --seed 1 -o asc.h5",
    ),
    "probe": (
        "lfp sim cell.toml -o out.h5",
        "lfp probe out.h5 --contacts contacts.csv -o line.h5",
        "lfp probe out.h5 --array Neuropixels-128 --shift 30,0,0 --rotate z=20 --method point"
        " --sigma 0.3,0.2,0.4 -o anisotropic.h5",
        "lfp probe out.h5 --contacts contacts.csv --radius 7.5 --shape square --normal 0,1,0"
        " --quadrature 20 --seed 2 -o faces.h5",
        "lfp probe out.h5 --contacts contacts.csv --medium 'slice=900, z_shift=-300, squeeze=0.1'"
        " -o slice.h5",
        "lfp probe out.h5 --contacts contacts.csv --medium 'sphere=2000' -o sphere.h5",
        "lfp probe out.h5 --contacts contacts.csv --noise brown:0.01:50 --filter 10:500"
        " --resample 0.5 --seed 2 --float32 --keep-currents -o noisy.h5",
        "lfp probe out.h5 --csd 'z=[-200,600], dz=50, radius=150' -o csd.h5",
        "lfp probe out.h5 --csd 'origin=[-200,-200,-200], size=[400,400,800], n=[2,2,6]'"
        " -o boxes.h5",
        "lfp probe out.h5 --contacts contacts.csv -o - | lfp plot - --signal LFP -o lfp.svg",
        "lfp probe --list",
        "lfp diff line.h5 faces.h5 --json",
    ),
    "templates": (
        "lfp sim cell.toml --set 'stimulus.0.amp=2' -o out.h5",
        "lfp probe out.h5 --array tetrode --placements 12 --placement-box 20,80,-50,50,-100,200"
        " --min-distance 5 --spike-window 1,2 --seed 3 -o spikes.h5",
        "lfp probe out.h5 --array tetrode --placements places_templates.csv --window 5,15"
        " --turn none -o window.h5",
        "lfp info spikes.h5",
    ),
    "network": (
        f"{NETWORK} -o out.h5 --save-network saved.h5",
        f"{NETWORK} --dry-run",
        f"{NETWORK} --set run.engine=coreneuron -o coreneuron.h5",
        f"{NETWORK} --set run.merge=false --set run.tstart=-10 -o plain.h5",
        f"{NETWORK} --set probe.0.per=cell --set record.dipole=cell -o cells.h5",
        f"{NETWORK} --set probe.0.per=current --set record.balance=true -o currents.h5",
        "lfp info out.h5",
        "lfp plot out.h5 -o out.svg",
        "lfp plot out.h5 --what spikes,dipole -o spikes.svg",
    ),
    "two ranks": (
        f"{RANKS} {NETWORK} -q -o out.h5 --save-network saved.h5",
        f"{RANKS} {NETWORK} -q --set run.engine=coreneuron -o coreneuron.h5",
        f"{RANKS} {NETWORK} -q --set probe.0.per=cell --set record.dipole=cell -o cells.h5",
    ),
    "checkpoints": (
        f"{NETWORK} -q --tstop 100 -o whole.h5",
        # where it is stopped depends on the machine; what comes out does not
        f"timeout -s TERM 8 {NETWORK} -q --tstop 100 -o out.h5 --checkpoint 5 2>/dev/null; true",
        f"test -e out.h5 || {NETWORK} -q --tstop 100 -o out.h5 --resume",
        "lfp diff --exact whole.h5 out.h5",
    ),
    "field": ("lfp sim field.toml -o out.h5", "lfp sim field.toml --dry-run"),
    "hoc templates": ("lfp sim hocs.toml -o out.h5", "lfp info out.h5"),
    "allen": (
        "lfp sim allen.toml -o out.h5",
        "lfp sim allen.toml --set run.engine=coreneuron -o coreneuron.h5",
    ),
    "eeg": (
        "lfp sim network.toml -q -o out.h5",
        "lfp eeg out.h5 --montage montage.csv --position 0,0,78000 -o four.h5",
        "lfp eeg out.h5 --montage montage.csv --project --reference average --per population"
        " --position 0,30000,70000 --direction 0,1,2 -o normal.h5",
        "lfp eeg out.h5 --model infinite --montage montage.csv --position 0,0,60000 --per cell"
        " -o infinite.h5",
        "lfp eeg out.h5 --model homogeneous-sphere --montage montage.csv --pick Cz,C3"
        " --position 0,0,60000 --multi-dipole -o multi.h5",
        "lfp info four.h5",
        "lfp plot four.h5 --what topography -o topography.svg",
        "lfp plot four.h5 --signal eeg -o traces.svg",
    ),
    "meg": (
        "lfp sim network.toml -q -o out.h5",
        "lfp meg out.h5 --sensors sensors.csv --position 0,0,70000 --direction 1,0,0 -o meg.h5",
        "lfp meg out.h5 --model infinite --sensors sensors.csv --quantity H --per population"
        " --position 0,0,70000 -o field.h5",
        "lfp meg out.h5 --sensors sensors.csv --position 0,20000,70000 --multi-dipole --float32"
        " -o multi.h5",
    ),
    "errors": (
        "lfp sim nowhere.toml",
        "lfp sim cell.toml --set run.dtt=1 -o out.h5",
        "lfp sim cell.toml --set cell.sticks.mechanism.0.gnabr=1 -o out.h5 --seed 1",
        "lfp probe contacts.csv --array tetrode -o out.h5",
        "lfp plot broken.swc -o out.svg",
        "lfp plto",
        "lfp info contacts.csv",
    ),
}

ALLEN = """\
[run]
tstop = 20.0
dt = 0.0625
seed = 7
mechanisms = ["allen"]

[cell.fit]
morphology = "allen/Scnn1a_473845048_m.swc"
allen = "allen/472363762_fit.json"

[[stimulus]]
type = "IClamp"
delay = 2.0
dur = 15.0
amp = 0.3

[[probe]]
name = "LFP"
contacts = "contacts.csv"
"""


@dataclass
class Difference:
    """A file that the two programs wrote differently."""

    file: str
    text: str


def program_of(text: str, work: Path) -> Path:
    """The program that a path or a commit names; that of a commit is built in the work folder."""
    if Path(text).is_file():
        # the folder of a program stays as it is written, since a virtual environment's links
        return Path(text).absolute()
    git = ["git", "-C", str(ROOT)]
    named = subprocess.run(
        [*git, "rev-parse", "--verify", "--quiet", f"{text}^{{commit}}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if named.returncode:
        raise SystemExit(f"'{text}' is neither a program nor a commit")
    commit = named.stdout.strip()
    target, source = work / "programs" / commit, work / "sources" / commit
    program = target / "bin" / "lfp"
    if program.exists():
        return program
    source.mkdir(parents=True, exist_ok=True)
    archive = subprocess.run([*git, "archive", commit], stdout=subprocess.PIPE, check=True)
    subprocess.run(["tar", "-x", "-C", str(source)], input=archive.stdout, check=True)
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*install, "--upgrade", "--target", str(target), str(source)], check=True)
    # the other packages are this Python's; its own lfp comes behind the one that was built
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{target}" exec "{sys.executable}" -m lfpcli "$@"\n')
    program.chmod(0o755)
    return program


def copy_allen_fit(folder: Path) -> None:
    """Put a cell of the Allen Cell Types Database, as bmtk carries it, into a folder."""
    found = importlib.util.find_spec("bmtk")
    if found is None or found.origin is None:
        raise SystemExit("the Allen fit is part of bmtk: pip install bmtk")
    source = Path(found.origin).parent / "utils" / "scripts" / "bionet"
    target = folder / "allen"
    target.mkdir()
    for file in (source / "mechanisms" / "modfiles").glob("*.mod"):
        shutil.copy(file, target)
    shutil.copy(source / "morphologies" / "Scnn1a_473845048_m.swc", target)
    shutil.copy(source / "biophysical_neuron_models" / "472363762_fit.json", target)
    (folder / "allen.toml").write_text(ALLEN)


def lay_out_inputs(folder: Path, case: str) -> None:
    """Copy what the lines of a case read."""
    shutil.copytree(INPUTS, folder)
    shutil.copytree(ROOT / "share", folder / "share")
    for model in (folder / "share" / "examples").glob("*.toml"):
        # programs from before the prefix read the same files by their paths
        text = re.sub(r'"builtin:(\w+)"', r'"../morphologies/\1.swc"', model.read_text())
        model.write_text(text)
    if case == "allen":
        copy_allen_fit(folder)


def run_case(program: Path, folder: Path, case: str) -> None:
    """Run the lines of a case; what they print and their exit codes become files."""
    lay_out_inputs(folder, case)
    environment = {
        **os.environ,
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "LFP_MECH_CACHE": str(folder.parent / "mechanisms"),
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "80",
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    }
    for number, line in enumerate(CASES[case]):
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            cwd=folder,
            env=environment,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        stem = folder / f"line{number}"
        for suffix, data in ((".out", done.stdout), (".err", done.stderr)):
            # paths of the two folders are no difference
            data = data.replace(bytes(folder.parent), b"FOLDER")
            stem.with_suffix(suffix).write_bytes(data)
        stem.with_suffix(".code").write_text(f"{done.returncode}\n")


def files_of(folder: Path) -> set[str]:
    """Names of the files in a folder, without what only one machine or run has."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    names = {str(path.relative_to(folder)) for path in paths}
    left_out = ("__pycache__", "library.txt", ".checkpoint")
    return {name for name in names if not any(text in name for text in left_out)}


def first_different_line(before: str, after: str) -> str:
    """Say which line of two texts differs first."""
    lines_before, lines_after = before.splitlines(), after.splitlines()
    for number, (a, b) in enumerate(zip(lines_before, lines_after, strict=False), 1):
        if a != b:
            return f"line {number}: {a[:100]!r}, then {b[:100]!r}"
    return f"{len(lines_before)} lines, then {len(lines_after)}"


def compare_file(program: Path, before: Path, after: Path) -> str:
    """Say how two files differ; an empty text where they do not."""
    if not before.exists() or not after.exists():
        return "only before" if before.exists() else "only after"
    first, second = before.read_bytes(), after.read_bytes()
    if first == second:
        return ""
    if before.suffix in ARRAYS:
        done = subprocess.run(
            [str(program), "diff", "--exact", str(before), str(after)],
            capture_output=True,
            text=True,
            check=False,
        )
        return "" if done.returncode == 0 else (done.stdout + done.stderr).strip()
    if before.suffix in TEXTS:
        return first_different_line(first.decode("utf-8"), second.decode("utf-8"))
    return f"{len(first)} bytes, then {len(second)}; the bytes differ"


def compare_case(before: Path, after: Path, case: str, work: Path) -> list[Difference]:
    """Run a case with both programs and compare all that they wrote."""
    name = case.replace(" ", "_")
    folders = []
    for label, program in (("before", before), ("after", after)):
        folder = work / label / name
        if folder.exists():
            shutil.rmtree(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        run_case(program, folder, case)
        folders.append(folder)
    differences = []
    for file in sorted(files_of(folders[0]) | files_of(folders[1])):
        text = compare_file(after, folders[0] / file, folders[1] / file)
        if text:
            differences.append(Difference(described(case, file), text))
    return differences


def described(case: str, file: str) -> str:
    """Name a file, and for a printed text the line of shell that printed it."""
    stem, _, suffix = file.partition(".")
    if stem.startswith("line") and stem[4:].isdigit():
        return f"{suffix} of: {CASES[case][int(stem[4:])]}"
    return file


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    usual = str(Path(sys.executable).with_name("lfp"))
    parser.add_argument(
        "before", nargs="?", default=usual, help="program or commit to compare with"
    )
    parser.add_argument("after", nargs="?", default=usual, help="program or commit to compare")
    parser.add_argument("--work", type=Path, help="folder that keeps what was written")
    parser.add_argument("--only", default="", help="cases whose names hold this text")
    parser.add_argument("--list", action="store_true", help="print the cases and their lines")
    args = parser.parse_args()
    cases = [name for name in CASES if args.only in name]
    if args.list:
        for name in cases:
            print(name, *(f"  {line}" for line in CASES[name]), sep="\n")
        return 0
    work = (args.work or Path(tempfile.mkdtemp(prefix="same_outputs_"))).absolute()
    before, after = program_of(args.before, work), program_of(args.after, work)
    total = 0
    for name in cases:
        differences = compare_case(before, after, name, work)
        total += len(differences)
        print(f"{name:18}{'same' if not differences else f'{len(differences)} differ'}", flush=True)
        for difference in differences:
            print(f"    {difference.file}")
            for line in difference.text.splitlines()[:6]:
                print(f"        {line}")
    print(f"{len(cases)} cases, {total} files differ")
    if args.work is None:
        shutil.rmtree(work)
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
