"""Which template each train fires: the units of a recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lfpcli.errors import InputError, UsageError
from lfpcli.io.templates import TemplateFile
from lfpcli.seeds import generator

# values of templates that are looked at at a time
_BLOCK_VALUES = 1 << 24


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What units may be.

    Attributes
    ----------
    amplitude : (float, float)
        Least and largest trough on the contact where it is deepest, mV, as positive numbers.
    min_distance : float
        Least distance between the somata of units, um.
    types : mapping of str to sequence of str
        What the cell types of a population's units contain, one of the texts; any where the
        population is not named.
    """

    amplitude: tuple[float, float] = (0.05, np.inf)
    min_distance: float = 25.0
    types: Mapping[str, Sequence[str]] | None = None


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """The units of some files of templates.

    Attributes
    ----------
    files : sequence of TemplateFile
        The files, of the same contacts and sampling.
    file : ndarray of int, shape (n,)
        File of each unit.
    rows : list of ndarray of int, shape (D,)
        Placements of each unit along its path.
    positions : ndarray, shape (n, 3)
        Soma at the begin of the path, um.
    cell_types : list of str
        Types of the cells.
    troughs : ndarray, shape (n,)
        Depth of the deepest trough at the begin of the path, mV.
    """

    files: Sequence[TemplateFile]
    file: np.ndarray
    rows: list[np.ndarray]
    positions: np.ndarray
    cell_types: list[str]
    troughs: np.ndarray

    def waveforms(self, unit: int) -> np.ndarray:
        """Waveforms along the path of a unit, shape (D, T, C), mV."""
        templates = self.files[self.file[unit]].templates
        return np.array([np.asarray(templates[int(row)], float).T for row in self.rows[unit]])


def candidates(files: Sequence[TemplateFile]) -> Candidates:
    """Gather the units of files of templates.

    Raises
    ------
    InputError
        Where the files differ in contacts or sampling, or hold no spikes.
    """
    first = files[0]
    file, rows, positions, types, troughs = [], [], [], [], []
    for number, each in enumerate(files):
        _check_same(first, each)
        depth = _troughs(each)
        order = np.lexsort((each.steps, each.units))
        begins = np.flatnonzero(np.diff(each.units[order], prepend=np.nan))
        for path in np.split(order, begins)[1:]:
            file.append(number)
            rows.append(path)
            positions.append(each.positions[path[0]])
            types.append(each.cell_types[path[0]])
            troughs.append(depth[path[0]])
    return Candidates(
        files=files,
        file=np.array(file),
        rows=rows,
        positions=np.array(positions),
        cell_types=types,
        troughs=np.array(troughs),
    )


def _check_same(first: TemplateFile, other: TemplateFile) -> None:
    if "spikes" not in other.facts:
        raise InputError(
            "holds whole runs, not spikes",
            source=other.name,
            remedy="cut spikes out with lfp probe --spike-window 2,5",
        )
    same_contacts = first.contacts.shape == other.contacts.shape and np.allclose(
        first.contacts, other.contacts
    )
    same_samples = (first.dt, first.templates.shape[2]) == (other.dt, other.templates.shape[2])
    if not (same_contacts and same_samples and first.t_start == other.t_start):
        raise InputError(
            f"has other contacts or samples than {first.name}",
            source=other.name,
            remedy="make both with the same array, step and --spike-window",
        )


def _troughs(file: TemplateFile) -> np.ndarray:
    """Depth of the deepest trough of each placement, (P,), mV."""
    placements, contacts, samples = file.templates.shape
    step = max(1, _BLOCK_VALUES // max(contacts * samples, 1))
    depths = []
    for start in range(0, placements, step):
        block = np.asarray(file.templates[start : start + step])
        if not np.all(np.isfinite(block)):
            raise InputError(
                "holds NaN or infinity",
                source=f"{file.name}:/templates",
                remedy="make the templates again",
            )
        depths.append(-block.min(axis=(1, 2)))
    return np.concatenate([np.zeros(0), *depths])


def chosen_units(
    candidates: Candidates, counts: Mapping[str, int], choice: Choice, seed: int
) -> np.ndarray:
    """Choose units for the trains of populations.

    All candidates are gone through in a random order, and each is taken by the first population
    that it fits and that has trains left.

    Parameters
    ----------
    candidates : Candidates
        What there is.
    counts : mapping of str to int
        Number of units of each population.
    choice : Choice
        What they may be.
    seed : int
        Seed.

    Returns
    -------
    ndarray of int, shape (U,)
        A candidate for each train, population by population.

    Raises
    ------
    UsageError
        Where there are too few candidates; the message says why others were left out.
    """
    _check_types(candidates, counts, choice)
    low, high = choice.amplitude
    fits = (candidates.troughs >= low) & (candidates.troughs <= high)
    taken: dict[str, list[int]] = {name: [] for name in counts}
    somata = np.zeros((0, 3))
    near = 0
    for unit in generator(seed, "units").permutation(len(candidates.troughs)).tolist():
        name = _population_of(candidates.cell_types[unit], counts, choice, taken)
        if not fits[unit] or name is None:
            continue
        distance = np.linalg.norm(somata - candidates.positions[unit], axis=1)
        if np.any(distance < choice.min_distance):
            near += 1
            continue
        taken[name].append(unit)
        somata = np.vstack([somata, candidates.positions[unit]])
    for name, units in taken.items():
        if len(units) < counts[name]:
            raise UsageError(
                f"{len(units)} of the {counts[name]} units of '{name}' can be chosen from"
                f" {len(fits)} templates: {np.count_nonzero(~fits)} have another amplitude than"
                f" {low:g} to {high:g} mV, {near} are nearer than {choice.min_distance:g} um to"
                " others",
                remedy="make more --placements, or relax --amplitude or --min-distance",
            )
    return np.array([unit for units in taken.values() for unit in units], dtype=int)


def _population_of(
    cell_type: str, counts: Mapping[str, int], choice: Choice, taken: Mapping[str, list[int]]
) -> str | None:
    """The first population with trains left that takes cells of a type."""
    for name, count in counts.items():
        texts = (choice.types or {}).get(name)
        if len(taken[name]) < count and (texts is None or any(text in cell_type for text in texts)):
            return name
    return None


def _check_types(candidates: Candidates, counts: Mapping[str, int], choice: Choice) -> None:
    known = sorted(set(candidates.cell_types))
    for name, texts in (choice.types or {}).items():
        if name not in counts:
            raise UsageError(
                f"there are no trains of '{name}'", remedy=f"populations: {', '.join(counts)}"
            )
        if not any(text in cell_type for text in texts for cell_type in known):
            raise UsageError(
                f"no template is of a cell type with {' or '.join(texts)}",
                remedy=f"cell types: {', '.join(known[:12])}",
            )
