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
from lfpcli.runtime.mechanisms.toolchain import Toolchain, toolchain

_QUOTED = re.compile(r"[‘'](?:[^’']*?\b)?(\w+)(?:\([^’']*\))?[’']")


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
    engine : {'neuron', 'coreneuron'}
        Who refuses it; what NEURON refuses cannot be used at all.
    """

    file: str
    line: int | None
    text: str
    engine: str

    @property
    def place(self) -> str:
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
            jobs = [
                pool.submit(_check_one, stem, file, folder, tools) for stem, file in stems.items()
            ]
            return [finding for job in jobs for finding in job.result()]


def _check_one(stem: str, file: ModFile, folder: Path, tools: Toolchain) -> list[Finding]:
    for name, translate in (("neuron", _neuron), ("coreneuron", _coreneuron)):
        (folder / name).mkdir(exist_ok=True)
        findings = translate(stem, file, folder, tools)
        if findings:
            return findings
    return []


def _neuron(stem: str, file: ModFile, folder: Path, tools: Toolchain) -> list[Finding]:
    out = folder / "neuron"
    command = [tools.program("nocmodl"), f"{stem}.mod", "-o", str(out)]
    units = tools.home / "share/nrn/lib/nrnunits.lib"
    code, text = tools.run(command, folder / "mods", MODLUNIT=str(units))
    if code != 0:
        return [_translator_error(text, file)]
    flags = tools.standard("bin/nrnmech_makefile")
    flags += ["-DCORENRN_BUILD=0", "-DHAVE_CONFIG_H", "-DUSE_PYTHON", "-DNRN_ENABLE_THREADS"]
    return _parse_cpp(out / f"{stem}.cpp", file, folder, tools, flags, "neuron")


def _coreneuron(stem: str, file: ModFile, folder: Path, tools: Toolchain) -> list[Finding]:
    if file.pointers:
        text = f"POINTER {file.pointers[0]}: memory of NEURON that CoreNEURON does not share"
        return [Finding(str(file.path), file.line_of(r"\bPOINTER\b"), text, "coreneuron")]
    out = folder / "coreneuron"
    command = [tools.program("nmodl"), f"{stem}.mod", "-o", str(out), "host", "--c"]
    command += ["passes", "--inline"]
    units = tools.home / "share/nmodl/nrnunits.lib"
    code, text = tools.run(command, folder / "mods", MODLUNIT=str(units))
    if code != 0:
        return [_nmodl_error(text, file)]
    flags = tools.standard("share/coreneuron/nrnivmodl_core_makefile")
    flags.append(f"-I{tools.home / 'include/coreneuron/utils/randoms'}")
    return _parse_cpp(out / f"{stem}.cpp", file, folder, tools, flags, "coreneuron")


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


def _parse_cpp(
    source: Path, file: ModFile, folder: Path, tools: Toolchain, flags: list[str], engine: str
) -> list[Finding]:
    """Let the compiler parse a translated file and carry its errors over to the .mod file."""
    command = [*tools.compiler, *flags, *tools.flags, "-fsyntax-only", "-w", f"-I{folder / 'mods'}"]
    command += [f"-I{tools.home / 'include'}", str(source)]
    code, text = tools.run(command, folder)
    if code == 0:
        return []
    found = re.findall(rf"^{re.escape(str(source))}:(\d+):\d+: (?:fatal )?error: (.*)$", text, re.M)
    if not found:
        first = re.search(r"error: (.*)", text)
        message = first.group(1) if first else f"the compiler ended with code {code}"
        return [Finding(str(file.path), None, message, engine)]
    translated = source.read_text(errors="replace").splitlines()
    findings = []
    for number, message in found:
        where = _line_in_mod(translated[int(number) - 1], message, file)
        findings.append(Finding(str(file.path), where, message, engine))
    return list(dict.fromkeys(findings))


def _line_in_mod(translated: str, message: str, file: ModFile) -> int | None:
    """Line of the .mod file that a line of its translation comes from."""
    lines = file.original.splitlines()
    exact = [k for k, line in enumerate(lines, 1) if line.strip() == translated.strip()]
    if exact:
        return exact[0]
    for name in _QUOTED.findall(message):
        for candidate in (name, name.removeprefix("_l"), name.removesuffix(f"_{file.name}")):
            where = file.line_of(rf"\b{re.escape(candidate)}\b") if candidate else None
            if where is not None:
                return where
    return None
