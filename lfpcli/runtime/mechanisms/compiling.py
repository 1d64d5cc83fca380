"""One compilation: NEURON's programs run in a folder of their own, and their errors picked out."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lfpcli.errors import SimulatorError
from lfpcli.runtime.mechanisms.check import (
    DIFFERENT,
    IN_CORENEURON,
    IN_NEURON,
    Finding,
    check,
    variable_counts,
)
from lfpcli.runtime.mechanisms.library import (
    CORE_LIBRARY,
    NEURON_LIBRARY,
    Library,
    Mechanism,
)
from lfpcli.runtime.mechanisms.porting import portable
from lfpcli.runtime.mechanisms.sources import ModFile, stage, staged_stems
from lfpcli.runtime.mechanisms.toolchain import (
    PORTABLE_FLAGS,
    Toolchain,
    extra_flags,
    toolchain,
)
from lfpcli.runtime.mechanisms.vectors import (
    HEADER,
    WRAPPER,
    instruction_flags,
    stage_vectors,
    vector_environment,
)

# a file that make could not translate or compile
_FAILED_TARGET = re.compile(r"\*\*\* \[[^\]]*?(\w+)\.(?:cpp|o)\] Error")


@dataclass(frozen=True)
class _Compilation:
    """How one engine's mechanisms are compiled.

    Attributes
    ----------
    program, option : str
        NEURON's script, and its option for compiler flags.
    library : str
        Name of the library that it makes.
    has_vectors : bool
        Whether loops are to become vectors, see `vectors`.
    variables : str
        How many variables NEURON's translations have, which those with vectors are to have too.
    """

    program: str
    option: str
    library: str
    has_vectors: bool = False
    variables: str = ""

    @property
    def is_core(self) -> bool:
        """Whether it is CoreNEURON's."""
        return self.library == CORE_LIBRARY

    def command(self, tools: Toolchain) -> list[str]:
        """The command that compiles the folder ``mods`` of the current one."""
        flags = list(tools.flags)
        # its translations are mended also where their loops become no vectors
        more = ["-m", f"mods/{WRAPPER}"] if self.is_core else []
        if self.has_vectors:
            # the user's own flags come last, and win
            flags = [*PORTABLE_FLAGS, *instruction_flags(), f"--include=mods/{HEADER.name}"]
            flags += extra_flags()
        return [tools.program(self.program), *more, self.option, shlex.join(flags), "mods"]


_FOR_NEURON = _Compilation("nrnivmodl", "-incflags", NEURON_LIBRARY)
_FOR_CORENEURON = _Compilation("nrnivmodl-core", "-i", CORE_LIBRARY)
_WITH_VECTORS = replace(_FOR_CORENEURON, has_vectors=True)


@dataclass
class _Outcome:
    """What came of compiling some files.

    Attributes
    ----------
    broken : list of ModFile
        What does not compile.
    library : Path or None
        The library of the others; None where there is none.
    printed : str
        What the programs printed last.
    folder : Path
        Where the translations lie.
    """

    broken: list[ModFile]
    library: Path | None
    printed: str
    folder: Path


def compile_library(files: Sequence[ModFile], work: Path, skip_broken: bool) -> Library:
    """Compile mechanisms for both engines.

    Parameters
    ----------
    files : sequence of ModFile
        The mechanisms.
    work : Path
        An empty folder.
    skip_broken : bool
        Whether what does not compile for NEURON is left out.

    Returns
    -------
    Library
        In a folder within `work`.

    Raises
    ------
    SimulatorError
        Where a file does not compile and is not left out, or none is left.
    """
    tools = toolchain()
    done = work / "done"
    done.mkdir()
    outcome = _compile(files, _FOR_NEURON, work / "neuron", tools)
    broken = sorted(outcome.broken, key=lambda file: file.name)
    skipped = [f for f in _check(broken, tools) if f.engine == "neuron"]
    if outcome.library is None or (broken and not skip_broken):
        raise _failure(broken, skipped, outcome.printed)
    shutil.copy(outcome.library, done)
    good = [file for file in files if file not in broken]
    refused = _compile_coreneuron(good, work / "core", done, tools)
    library = Library(
        done,
        tuple(_mechanism(file, refused) for file in good),
        tuple(replace(f, file=str(Path(f.file).resolve())) for f in skipped),
        tuple(file.name for file in broken),
    )
    library.write_manifest()
    return library


def _compile(
    files: Iterable[ModFile], compilation: _Compilation, work: Path, tools: Toolchain
) -> _Outcome:
    """Compile files, taking away those that fail until the others are through."""
    stems = stage(list(files), work / "mods")
    broken: list[ModFile] = []
    printed = ""
    while stems:
        library, printed = _make(compilation, work, tools)
        if library is not None:
            return _Outcome(broken, library, printed, work)
        failed = [stem for stem in dict.fromkeys(_FAILED_TARGET.findall(printed)) if stem in stems]
        if not failed:
            break
        for stem in failed:
            broken.append(stems.pop(stem))
            for remnant in work.rglob(f"{stem}.*"):
                remnant.unlink()
    return _Outcome(broken, None, printed, work)


def _make(compilation: _Compilation, work: Path, tools: Toolchain) -> tuple[Path | None, str]:
    """Compile what lies in ``work/mods``; return the library, and what was printed."""
    environment: dict[str, str] = {}
    if compilation.is_core:
        stage_vectors(work / "mods")
        environment = vector_environment(tools.program("nmodl"))
        environment["LFP_VARIABLES"] = compilation.variables
    # make goes on after an error, so that one run tells all that fail
    command = compilation.command(tools)
    code, printed = tools.run(command, work, MAKEFLAGS="-k", **environment)
    # the folder in between is named after the processor
    library = next(work.glob(f"*/{compilation.library}.*"), None)
    return (library if code == 0 else None), printed


def compile_core_builtins(work: Path) -> Path:
    """Compile CoreNEURON with the mechanisms of NEURON alone.

    Parameters
    ----------
    work : Path
        An empty folder.

    Returns
    -------
    Path
        A folder within `work` that holds the library.

    Raises
    ------
    SimulatorError
        Where a compiler is missing or fails.
    """
    library, printed = _make(_WITH_VECTORS, work, toolchain())
    if library is None:
        raise SimulatorError(
            f"CoreNEURON does not compile: {_first_error(printed)}",
            remedy='use engine = "neuron", or correct the mechanism',
        )
    folder = work / "done"
    folder.mkdir()
    shutil.copy(library, folder)
    return folder


def _compile_coreneuron(
    files: Sequence[ModFile], work: Path, done: Path, tools: Toolchain
) -> dict[str, str]:
    """Compile what CoreNEURON takes; return why it does not take the others."""
    refused = {f.name: f"POINTER {f.pointers[0]}" for f in files if f.pointers}
    outcome = _compile_core(files, refused, work / "all", tools)
    different = _different(files, outcome.folder, work.parent / "neuron")
    if different - set(refused):
        # CoreNEURON ends the process as it finds one, used or not
        refused |= dict.fromkeys(different, DIFFERENT)
        outcome = _compile_core(files, refused, work / "same", tools)
    findings = {f.file: f.text for f in reversed(_check(outcome.broken, tools))}
    for file in outcome.broken:
        refused[file.name] = findings.get(str(file.path), "it does not compile")
    if outcome.library is not None:
        shutil.copy(outcome.library, done)
    else:
        reason = f"its compiler failed: {_first_error(outcome.printed)}"
        refused |= {file.name: reason for file in files if file.name not in refused}
    return refused


def _compile_core(
    files: Sequence[ModFile], refused: Mapping[str, str], work: Path, tools: Toolchain
) -> _Outcome:
    """Compile those that are not refused, in vectors where that goes."""
    chosen = [file for file in files if file.name not in refused]
    counts = variable_counts(work.parent.parent / "neuron", IN_NEURON)
    listed = " ".join(f"{stem}={count}" for stem, count in sorted(counts.items()))
    with_vectors, without = (
        replace(compilation, variables=listed) for compilation in (_WITH_VECTORS, _FOR_CORENEURON)
    )
    outcome = _compile(chosen, with_vectors, work / "vectors", tools)
    if outcome.broken or outcome.library is None:
        # what a file has in C may not go together with the functions that are put into it
        plain = _compile(chosen, without, work / "plain", tools)
        if plain.library is not None and len(plain.broken) < len(outcome.broken or chosen):
            outcome = plain
    return outcome


def _different(files: Sequence[ModFile], core: Path, neuron: Path) -> set[str]:
    """Names of mechanisms whose translations, in two folders, have not equally many variables."""
    names = set()
    stems = staged_stems(files)
    here, there = variable_counts(neuron, IN_NEURON), variable_counts(core, IN_CORENEURON)
    for stem in here.keys() & there.keys() & stems.keys():
        if here[stem] != there[stem]:
            names.add(stems[stem].name)
    return names


def _check(files: Sequence[ModFile], tools: Toolchain) -> list[Finding]:
    return check(files, tools) if files else []


def _mechanism(file: ModFile, refused: Mapping[str, str]) -> Mechanism:
    return Mechanism(
        name=file.name,
        nature=file.nature,
        file=str(file.path.resolve()),
        digest=file.digest,
        electrode=file.electrode,
        refused=refused.get(file.name),
    )


def _failure(
    broken: Sequence[ModFile], findings: Sequence[Finding], printed: str
) -> SimulatorError:
    """Make the error for files that do not compile: the first finding, and how many there are."""
    if not findings:
        return SimulatorError(
            f"mechanisms do not compile: {_first_error(printed)}",
            remedy="see 'lfp mechs --check'",
        )
    first = findings[0]
    if "command-line option" in first.text or "command line option" in first.text:
        return SimulatorError(f"compiler: {first.text}", remedy="correct LFP_MECH_CFLAGS")
    count = len({f.file for f in findings})
    others = f" ({len(findings)} errors in {count} files)" if len(findings) > 1 else ""
    text = f"mechanism does not compile: {first.text}{others}"
    mendable = portable(broken)
    if mendable:
        remedy = (
            f"it was written for older NEURON: 'lfp mechs --port {mendable[0].path.parent} -o NEW'"
            " mends such code in copies; name the folder NEW as the mechanisms"
        )
    else:
        remedy = (
            "correct it ('lfp mechs --check' lists all errors), or leave such files out with"
            " --skip-broken"
        )
    return SimulatorError(text, source=first.location, remedy=remedy)


def _first_error(printed: str) -> str:
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"\berror\b", line, re.IGNORECASE)]
    return (errors or lines or ["nothing was printed"])[0]
