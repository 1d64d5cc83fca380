"""Trial translation of mechanisms: what does not compile, where, and what CoreNEURON refuses."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from lfpcli.runtime.mechanisms.sources import ModFile, stage
from lfpcli.runtime.mechanisms.tables import with_one_solver, with_variables
from lfpcli.runtime.mechanisms.toolchain import Toolchain, toolchain

_QUOTED = re.compile(r"[‘'](?:[^’']*?\b)?(\w+)(?:\([^’']*\))?[’']")

# number of variables in NEURON's translation, and in CoreNEURON's
IN_NEURON = re.compile(r"hoc_register_prop_size\(_mechtype, (\d+),")
IN_CORENEURON = re.compile(r"\bfloat_variables_size\(\) \{\s*return (\d+);")
DIFFERENT = "its variables are not those of NEURON's translation, as after VERBATIM"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a file.

    Attributes
    ----------
    file : str
        Path of the .mod file.
    line : int or None
        Its line, from 1.
    text : str
        What is wrong.
    engine : {'neuron', 'coreneuron', 'port'}
        Who refuses it; what NEURON refuses cannot be used at all. ``port`` stands for what was
        not recognised where a file was ported.
    """

    file: str
    line: int | None
    text: str
    engine: str

    @property
    def location(self) -> str:
        """``file:line``, or the file where the line is not known."""
        return self.file if self.line is None else f"{self.file}:{self.line}"


def check(files: Sequence[ModFile], tools: Toolchain | None = None) -> list[Finding]:
    """Translate and parse each file for NEURON and for CoreNEURON, without keeping anything.

    Parameters
    ----------
    files : sequence of ModFile
        What to check.
    tools : Toolchain, optional
        The programs to use; found where left out.

    Returns
    -------
    list of Finding
        In the order of the files, NEURON's before CoreNEURON's.
    """
    tools = tools or toolchain()
    with tempfile.TemporaryDirectory(prefix="lfp-mechs-") as name:
        folder = Path(name)
        stems = stage(files, folder / "mods")
        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
            trials = [_Trial(stem, file, folder, tools) for stem, file in stems.items()]
            findings: list[Finding] = []
            for findings_of_file in pool.map(_check_one, trials):
                findings += findings_of_file
            return findings


def variable_counts(folder: Path, pattern: re.Pattern[str]) -> dict[str, int]:
    """Numbers of variables of the translations below a folder, by stem."""
    counts = {}
    for path in folder.rglob("*.cpp"):
        match = pattern.search(path.read_text(errors="replace"))
        if match is not None:
            counts[path.stem] = int(match[1])
    return counts


@dataclass(frozen=True)
class _Trial:
    """One file to translate.

    Attributes
    ----------
    stem : str
        Name of its copy in ``folder/mods``, without the ending.
    file : ModFile
        The file.
    folder : Path
        Where the translations go, those of each engine in a folder of its own.
    tools : Toolchain
        The programs.
    """

    stem: str
    file: ModFile
    folder: Path
    tools: Toolchain

    def translation(self, engine: str) -> Path:
        """The C++ file that an engine's translator makes."""
        return self.folder / engine / f"{self.stem}.cpp"


def _check_one(trial: _Trial) -> list[Finding]:
    for name, translate in (("neuron", _neuron), ("coreneuron", _coreneuron)):
        (trial.folder / name).mkdir(exist_ok=True)
        findings = translate(trial)
        # what NEURON refuses need not be shown to CoreNEURON
        if findings:
            return findings
    return []


def _neuron(trial: _Trial) -> list[Finding]:
    tools = trial.tools
    command = [tools.program("nocmodl"), f"{trial.stem}.mod", "-o", str(trial.folder / "neuron")]
    units = tools.home / "share/nrn/lib/nrnunits.lib"
    code, text = tools.run(command, trial.folder / "mods", MODLUNIT=str(units))
    if code != 0:
        return [_translator_error(text, trial.file)]
    flags = tools.standard("bin/nrnmech_makefile")
    flags += ["-DCORENRN_BUILD=0", "-DHAVE_CONFIG_H", "-DUSE_PYTHON", "-DNRN_ENABLE_THREADS"]
    return _parse_cpp(trial, flags, "neuron")


def _coreneuron(trial: _Trial) -> list[Finding]:
    tools, file = trial.tools, trial.file
    if file.pointers:
        text = f"POINTER {file.pointers[0]}: memory of NEURON that CoreNEURON does not share"
        return [Finding(str(file.path), file.line_of(r"\bPOINTER\b"), text, "coreneuron")]
    command = [tools.program("nmodl"), f"{trial.stem}.mod", "-o", str(trial.folder / "coreneuron")]
    # as nrnivmodl-core calls it
    command += ["host", "--c", "passes", "--inline"]
    units = tools.home / "share/nmodl/nrnunits.lib"
    code, text = tools.run(command, trial.folder / "mods", MODLUNIT=str(units))
    if code != 0:
        return [_nmodl_error(text, file)]
    # as the compilation does
    translation = trial.translation("coreneuron")
    counted = IN_NEURON.search(trial.translation("neuron").read_text(errors="replace"))
    wanted = None if counted is None else int(counted[1])
    mended = with_one_solver(translation.read_text(errors="surrogateescape"))
    mended = with_variables(mended, wanted)
    translation.write_text(mended, errors="surrogateescape")
    size = IN_CORENEURON.search(mended)
    if wanted is not None and size is not None and int(size[1]) != wanted:
        return [Finding(str(file.path), None, DIFFERENT, "coreneuron")]
    flags = tools.standard("share/coreneuron/nrnivmodl_core_makefile")
    flags.append(f"-I{tools.home / 'include/coreneuron/utils/randoms'}")
    return _parse_cpp(trial, flags, "coreneuron")


def _translator_error(text: str, file: ModFile) -> Finding:
    """Pick the error out of what nocmodl printed."""
    lines = text.splitlines()
    line = re.search(r"at line (\d+) in file", text)
    start = next((k for k, t in enumerate(lines) if re.search(r"error", t, re.IGNORECASE)), 0)
    kept = []
    for part in lines[start:]:
        kept.append(re.sub(r"\s*at line \d+ in file .*", "", part).strip())
        if "in file" in part or part.strip().startswith("^"):
            break
    message = " ".join(kept) or "cannot be translated"
    return Finding(str(file.path), int(line.group(1)) if line else None, message, "neuron")


def _nmodl_error(text: str, file: ModFile) -> Finding:
    """Pick the reason out of what nmodl printed."""
    reason = re.search(r"Code Incompatibility :: (.*)", text)
    parser = re.search(r"Error : (.*?)\s*\[Location : (\d+)\.\d+\]", text)
    if reason:
        message, line = reason.group(1), re.search(r"found at \[(\d+)", reason.group(1))
        message = re.sub(r"\s*found at \[[^\]]*\]", "", message)
        variable = re.match(r'"(\w+)"', message)
        number = int(line.group(1)) if line else None
        if number is None and variable:
            number = file.line_of(rf"\b{variable.group(1)}\b")
        return Finding(str(file.path), number, message, "coreneuron")
    if parser:
        return Finding(str(file.path), int(parser.group(2)), parser.group(1), "coreneuron")
    errors = [t for t in text.splitlines() if re.search(r"error|what\(\)", t, re.IGNORECASE)]
    message = errors[0].strip() if errors else "nmodl cannot translate it"
    return Finding(str(file.path), None, message, "coreneuron")


def _parse_cpp(trial: _Trial, flags: list[str], engine: str) -> list[Finding]:
    """Let the compiler parse a translated file and carry its errors over to the .mod file."""
    tools, file, translation = trial.tools, trial.file, trial.translation(engine)
    command = [*tools.compiler, *flags, *tools.flags, "-fsyntax-only", "-w"]
    command += [f"-I{trial.folder / 'mods'}", f"-I{tools.home / 'include'}", str(translation)]
    code, text = tools.run(command, trial.folder)
    if code == 0:
        return []
    location = rf"^{re.escape(str(translation))}:(\d+):\d+"
    errors = re.findall(rf"{location}: (?:fatal )?error: (.*)$", text, re.M)
    if not errors:
        first = re.search(r"error: (.*)", text)
        message = first.group(1) if first else f"the compiler ended with code {code}"
        return [Finding(str(file.path), None, message, engine)]
    translated = translation.read_text(errors="replace").splitlines()
    findings = []
    for number, message in errors:
        line = _line_in_mod(translated[int(number) - 1], message, file)
        findings.append(Finding(str(file.path), line, message, engine))
    # a template or a macro may repeat one error many times
    return list(dict.fromkeys(findings))


def _line_in_mod(translated: str, message: str, file: ModFile) -> int | None:
    """Line of the .mod file that a line of its translation comes from."""
    lines = file.original.splitlines()
    # VERBATIM code is copied as it is
    for number, line in enumerate(lines, 1):
        if line.strip() == translated.strip():
            return number
    for name in _QUOTED.findall(message):
        # translators put something before or behind the names of a file
        for candidate in (name, name.removeprefix("_l"), name.removesuffix(f"_{file.name}")):
            number_of_name = file.line_of(rf"\b{re.escape(candidate)}\b") if candidate else None
            if number_of_name is not None:
                return number_of_name
    return None
