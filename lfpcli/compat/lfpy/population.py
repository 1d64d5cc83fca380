"""Populations of cells, on all processes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.compat.lfpy.draws import shared_seed
from lfpcli.compat.lfpy.templatecell import NetworkCell
from lfpcli.errors import InputError, UsageError
from lfpcli.runtime.mpi.team import Team
from lfpcli.seeds import generator

PLACES_FILE = "cell_positions_and_rotations.h5"
_PLACE = np.dtype(
    [
        (name, "i8" if name == "gid" else "f8")
        for name in ("gid", "x", "y", "z", "x_rot", "y_rot", "z_rot")
    ]
)
_MOST_TRIES = 10_000


class NetworkPopulation:
    """Cells of one sort, dealt out to the processes: cell `gid` is on process gid % size.

    Parameters
    ----------
    CWD, CELLPATH : path-like, optional
        Cells are made in the folder CWD/CELLPATH/name, where CWD is there.
    first_gid : int
        Number of the first cell.
    Cell : class
        `NetworkCell`, or a class that derives from it.
    POP_SIZE : int
        Number of cells.
    name : str
        Of the population.
    cell_args : mapping, optional
        Arguments of `Cell`.
    pop_args : mapping, optional
        Of the places: ``radius`` of the disc, um, ``loc`` and ``scale`` of the normal depths, um,
        and ``cap``, within which of `loc` they lie (one number, or below and above).
    rotation_args : mapping, optional
        ``x`` and ``y``, rad; about z cells are turned by chance.
    OUTPUTPATH : path-like
        A folder, where ``cell_positions_and_rotations.h5`` gets a dataset by `name`.

    Attributes
    ----------
    cells : list of NetworkCell
        Those of this process.
    gids : list of int
        Their numbers.
    soma_pos : list of dict
        Their places x, y, z, um.
    rotations : list of dict
        Their angles x, y, z, rad.
    """

    def __init__(
        self,
        CWD: str | os.PathLike[str] | None = None,
        CELLPATH: str | os.PathLike[str] | None = None,
        first_gid: int = 0,
        Cell: Any = NetworkCell,
        POP_SIZE: int = 4,
        name: str = "L5PC",
        cell_args: Mapping[str, Any] | None = None,
        pop_args: Mapping[str, Any] | None = None,
        rotation_args: Mapping[str, float] | None = None,
        OUTPUTPATH: str | os.PathLike[str] = "example_parallel_network",
    ) -> None:
        angles = dict(rotation_args or {})
        if set(angles) - {"x", "y"}:
            raise UsageError(
                f"rotation_args has {', '.join(sorted(set(angles) - {'x', 'y'}))}",
                remedy="give x and y; about z cells are turned by chance",
            )
        self.CWD, self.CELLPATH = CWD, CELLPATH
        self.first_gid, self.POP_SIZE, self.name = first_gid, int(POP_SIZE), name
        self.Cell, self.OUTPUTPATH = Cell, OUTPUTPATH
        self.cell_args, self.pop_args = dict(cell_args or {}), dict(pop_args or {})
        self.rotation_args = angles
        self._seed = shared_seed()
        team = Team()
        every = range(first_gid, first_gid + self.POP_SIZE)
        # LFPy deals cells out so, and its users index by it
        self.gids = [gid for gid in every if gid % team.size == team.rank]
        self.soma_pos = self.draw_rand_pos(**self.pop_args)
        self.rotations = [
            {"x": 0.0, "y": 0.0, **angles, "z": self._stream("turn", gid).uniform(0.0, 2 * np.pi)}
            for gid in self.gids
        ]
        self.cells = [self._make(k) for k in range(len(self.gids))]
        self._write_places()

    def _stream(self, purpose: str, gid: int) -> np.random.Generator:
        return generator(self._seed, f"lfpy {purpose}", gid)

    def draw_rand_pos(
        self,
        radius: float = 100.0,
        loc: float = 0.0,
        scale: float = 0.0,
        cap: float | Sequence[float] | None = None,
    ) -> list[dict[str, float]]:
        """Draw the places of the cells of this process.

        Parameters
        ----------
        radius : float
            Of the disc in which x and y are uniform, um.
        loc, scale : float
            Mean and standard deviation of the normal depths, um.
        cap : float or sequence of two floats, optional
            How far below and above `loc` depths lie, um.

        Returns
        -------
        list of dict
            x, y and z, um.
        """
        below, above = np.inf, np.inf
        if cap is not None:
            below, above = np.broadcast_to(np.abs(np.asarray(cap, dtype=float)), (2,))
        places = []
        for gid in self.gids:
            rng = self._stream("place", gid)
            distance, angle = radius * np.sqrt(rng.uniform()), rng.uniform(0.0, 2 * np.pi)
            # all tries at once: the first inside of the cap counts
            depths = rng.normal(loc, scale, size=_MOST_TRIES)
            inside = depths[(depths >= loc - below) & (depths < loc + above)]
            if not len(inside):
                raise InputError(f"cap {cap} leaves no depth for cells with scale {scale:g} um")
            x, y = distance * np.cos(angle), distance * np.sin(angle)
            places.append({"x": float(x), "y": float(y), "z": float(inside[0])})
        return places

    def _make(self, k: int) -> Any:
        """Make the k-th cell of this process, where it is and turned as it is."""
        with self._folder():
            cell = self.Cell(**self.cell_args)
        cell.gid = self.gids[k]
        cell.set_pos(**self.soma_pos[k])
        cell.set_rotation(**self.rotations[k])
        # the place to the last digit, after the turn
        self.soma_pos[k] = dict(zip("xyz", map(float, cell.somapos), strict=True))
        return cell

    @contextlib.contextmanager
    def _folder(self) -> Iterator[None]:
        """Be where the model is, while a cell is made."""
        if self.CWD is None:
            yield
            return
        # cells of templates load files by relative names
        here = Path.cwd()
        os.chdir(Path(self.CWD, self.CELLPATH or "", self.name))
        try:
            yield
        finally:
            os.chdir(here)

    def _write_places(self) -> None:
        import h5py

        rows = []
        for gid, place, turn in zip(self.gids, self.soma_pos, self.rotations, strict=True):
            rows.append((gid, *place.values(), turn["x"], turn["y"], turn["z"]))
        everyone = gathered(rows)
        if everyone is None:
            return
        folder = Path(self.OUTPUTPATH)
        folder.mkdir(parents=True, exist_ok=True)
        with h5py.File(folder / PLACES_FILE, "a") as file:
            if self.name in file:
                del file[self.name]
            file[self.name] = np.array(sorted(everyone), dtype=_PLACE)

    def __repr__(self) -> str:
        return f"NetworkPopulation({self.name!r}, POP_SIZE={self.POP_SIZE})"


def gathered(rows: list[Any]) -> list[Any] | None:
    """Rows of all processes, on the first; None on the others."""
    team = Team()
    parts = team.collect(rows)
    if not team.leads:
        return None
    return [row for part in parts for row in part]
