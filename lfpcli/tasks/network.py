"""Networks written in Python: the tables of a model, filled by calls."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lfpcli.errors import ExitCode, InputError, LfpError, OutputError, SimulatorError, UsageError
from lfpcli.io.atomic import atomic_output
from lfpcli.model import Model, load_model

_ERRORS: dict[int, type[LfpError]] = {
    ExitCode.USAGE: UsageError,
    ExitCode.INPUT: InputError,
    ExitCode.OUTPUT: OutputError,
    ExitCode.SIMULATOR: SimulatorError,
}


@dataclass(frozen=True)
class Population:
    """Cells of one sort in a network.

    Attributes
    ----------
    name : str
        Its name.
    size : int
        Number of cells.
    """

    name: str
    size: int


class Network:
    """A network: populations, connections, inputs, and what is measured and kept.

    Every call fills a table of lfp-model(5) and looks at the whole model; keywords are the table's
    keys. A run is one of ``lfp sim``, in processes of its own, so that it may be repeated in a
    notebook.

    Parameters
    ----------
    **run
        Keys of the table [run]: `tstop`, `dt`, `seed`, `celsius` ...

    Raises
    ------
    InputError
        Where a key or a value is wrong; the message names the nearest key. The network stays as it
        was.
    """

    def __init__(self, **run: Any) -> None:
        self.tables: dict[str, Any] = {"run": dict(run), "cell": {}, "population": {}}
        self._check(self.tables)

    @property
    def model(self) -> Model:
        """The model, read and checked; paths are those of the current folder."""
        return load_model(self.tables, name="network")

    def population(
        self, name: str, cell: str | dict[str, Any], size: int, **keys: Any
    ) -> Population:
        """Add a population.

        Parameters
        ----------
        name : str
            Its name, which its kind of cell gets too.
        cell : str or dict
            A morphology, or keys of a table [cell.NAME].
        size : int
            Number of cells.
        **keys
            Further keys of the table [population.NAME]: `place`, `rotate` ...

        Returns
        -------
        Population
            For `connect` and `input`.
        """
        tables = copy.deepcopy(self.tables)
        if name in tables["population"]:
            raise UsageError(f"there is a population '{name}' already", remedy="name it otherwise")
        tables["cell"][name] = {"morphology": cell} if isinstance(cell, str) else dict(cell)
        tables["population"][name] = {"cell": name, "size": size, **keys}
        self._take(tables)
        return Population(name, size)

    def connect(self, pre: Population | str, post: Population | str, **keys: Any) -> None:
        """Connect two populations; keywords are keys of a table [[connection]]."""
        self._add("connection", {"pre": _name(pre), "post": _name(post), **keys})

    def input(self, *populations: Population | str, **keys: Any) -> None:
        """Give synapses with spikes of their own to populations, to all where none is named.

        Keywords are keys of a table [[input]].
        """
        if not populations:
            self._add("input", keys)
        for population in populations:
            self._add("input", {"population": _name(population), **keys})

    def stimulus(self, population: Population | str, **keys: Any) -> None:
        """Put electrodes into cells; keywords are keys of a table [[stimulus]]."""
        self._add("stimulus", {"population": _name(population), **keys})

    def probe(self, name: str, **keys: Any) -> None:
        """Measure while the network runs; keywords are keys of a table [[probe]]."""
        self._add("probe", {"name": name, **keys})

    def record(self, **keys: Any) -> None:
        """Say what is kept; keywords are keys of the table [record]."""
        tables = copy.deepcopy(self.tables)
        tables["record"] = {**tables.get("record", {}), **keys}
        self._take(tables)

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write the model (.json), which ``lfp sim`` runs."""
        if Path(path).suffix.lower() != ".json":
            raise UsageError(f"a network is saved as .json, not as {path}")
        with atomic_output(path, force=force, binary=False) as target:
            target.write_text(json.dumps(self.tables, indent=1) + "\n", encoding="utf-8")

    def simulate(
        self,
        path: str | os.PathLike[str],
        *,
        force: bool = False,
        ranks: int | str | None = None,
        float32: bool = False,
    ) -> Path:
        """Run the network and write its recording.

        Parameters
        ----------
        path : path-like
            The recording.
        force : bool
            Whether an existing file is replaced.
        ranks : int or "auto", optional
            Number of processes under MPI.
        float32 : bool
            Whether samples are stored in single precision.

        Returns
        -------
        Path
            The recording, for `lfpcli.open_recording` and `lfpcli.plot`.

        Raises
        ------
        LfpError
            What ``lfp sim`` ends with: a wrong model, a failure of NEURON, a file that exists.
        """
        command = [sys.executable, "-m", "lfpcli", "sim", "-", "-q", "-o", str(path)]
        command += ["--force"] * force + ["--float32"] * float32
        if ranks is not None:
            command += ["--ranks", str(ranks)]
        text = json.dumps(self.tables)
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        if done.returncode:
            raise _error(done.returncode, done.stderr)
        return Path(path)

    def _add(self, name: str, table: dict[str, Any]) -> None:
        tables = copy.deepcopy(self.tables)
        tables.setdefault(name, []).append(table)
        self._take(tables)

    def _take(self, tables: dict[str, Any]) -> None:
        self._check(tables)
        self.tables = tables

    @staticmethod
    def _check(tables: dict[str, Any]) -> None:
        if not tables["cell"]:
            # a model needs a cell; any stands in until there is one
            tables = {**tables, "cell": {"none": {"morphology": "builtin:stick"}}}
        load_model(tables, name="network")

    def __repr__(self) -> str:
        parts = [f"{k}: {v['size']} cells" for k, v in self.tables["population"].items()]
        for name in ("connection", "input", "stimulus", "probe"):
            count = len(self.tables.get(name, []))
            if count:
                parts.append(f"{count} of [[{name}]]")
        return f"Network({', '.join(parts) or 'no cells'})"


def _name(population: Population | str) -> str:
    return population if isinstance(population, str) else population.name


def _error(code: int, said: str) -> LfpError:
    """The error that a command ended with."""
    lines = said.strip().splitlines() or [f"lfp sim ended with exit code {code}"]
    text = lines[-1].rpartition("error: ")[2]
    message, _, remedy = text.partition("; ")
    return _ERRORS.get(code, LfpError)(message, remedy=remedy or None)
