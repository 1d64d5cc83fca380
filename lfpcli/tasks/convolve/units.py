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
    overlaps : int or None
        Number of pairs of units that overlap in space; None: any.
    overlap : float
        Two units overlap where the trough of one on the contact where the other's is deepest is at
        least this share of its own deepest.
    """

    amplitude: tuple[float, float] = (0.05, np.inf)
    min_distance: float = 25.0
    types: Mapping[str, Sequence[str]] | None = None
    overlaps: int | None = None
    overlap: float = 0.9

    def __post_init__(self) -> None:
        if not 0 < self.overlap <= 1:
            raise UsageError(
                f"a share of {self.overlap:g} of a trough is no overlap", remedy="write N:0.9"
            )


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
    depths : ndarray, shape (n, C)
        Depth of the trough on each contact there, mV.
    """

    files: Sequence[TemplateFile]
    file: np.ndarray
    rows: list[np.ndarray]
    positions: np.ndarray
    cell_types: list[str]
    troughs: np.ndarray
    depths: np.ndarray

    def overlapping(self, unit: int, others: Sequence[int], share: float) -> np.ndarray:
        """Which of other units, shape (n,) bool, a unit overlaps; see `Choice`."""
        rest = np.asarray(others, np.int64)
        deepest = self.depths.argmax(axis=1)
        here = self.depths[unit][deepest[rest]] >= share * self.troughs[unit]
        there = self.depths[rest, deepest[unit]] >= share * self.troughs[rest]
        return np.asarray(here | there)

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
    file, rows, positions, types, depths = [], [], [], [], []
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
            depths.append(depth[path[0]])
    return Candidates(
        files=files,
        file=np.array(file),
        rows=rows,
        positions=np.array(positions),
        cell_types=types,
        troughs=np.max(depths, axis=1, initial=-np.inf),
        depths=np.array(depths),
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
    """Depth of the trough of each placement on each contact, (P, C), mV."""
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
        depths.append(-block.min(axis=2))
    return np.concatenate([np.zeros((0, contacts)), *depths])


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
    order = generator(seed, "units").permutation(len(candidates.troughs)).tolist()
    selection = _Selection(candidates, counts, choice)
    if choice.overlaps:
        selection.take_pairs(order, choice.overlaps)
    for unit in order:
        selection.take(unit)
    selection.check()
    taken = selection.taken
    return np.array([unit for units in taken.values() for unit in units], dtype=int)


class _Selection:
    """Units that are taken one after another under rules."""

    def __init__(self, candidates: Candidates, counts: Mapping[str, int], choice: Choice) -> None:
        self._candidates, self._counts, self._choice = candidates, counts, choice
        low, high = choice.amplitude
        # what has no trough at all is no unit, whatever amplitudes are allowed
        self._fits = (candidates.troughs > 0) & (candidates.troughs >= low)
        self._fits &= candidates.troughs <= high
        self.taken: dict[str, list[int]] = {name: [] for name in counts}
        self._all: list[int] = []
        self._pairs = 0
        self._near = self._crossed = 0

    def take(self, unit: int, pairs: int = 0) -> bool:
        """Take a unit that fits and makes so many overlapping pairs; returns whether it did."""
        name = self._population(unit)
        if name is None or unit in self._all or self._is_near(unit):
            return False
        overlaps = self._overlaps(unit)
        if self._choice.overlaps is not None and overlaps > pairs:
            self._crossed += 1
            return False
        self.taken[name].append(unit)
        self._all.append(unit)
        self._pairs += overlaps
        return True

    def take_pairs(self, order: Sequence[int], wanted: int) -> None:
        """Take units until so many pairs overlap."""
        for place, unit in enumerate(order):
            if self._pairs == wanted:
                return
            if self._overlaps(unit) or not self._is_free(unit):
                self.take(unit, wanted - self._pairs)
                continue
            partners = np.array(order[place + 1 :], np.int64)
            inside = self._candidates.overlapping(unit, order[place + 1 :], self._choice.overlap)
            for partner in partners[inside & self._fits[partners]].tolist():
                if self._take_both(unit, partner, wanted):
                    break

    def _take_both(self, unit: int, partner: int, wanted: int) -> bool:
        """Take two units that overlap, or none of them."""
        before = self._pairs
        if not self.take(unit):
            return False
        if self.take(partner, wanted - before):
            return True
        name = next(name for name, units in self.taken.items() if unit in units)
        self.taken[name].remove(unit)
        self._all.remove(unit)
        return False

    def _population(self, unit: int) -> str | None:
        if not self._fits[unit]:
            return None
        cell_type = self._candidates.cell_types[unit]
        return _population_of(cell_type, self._counts, self._choice, self.taken)

    def _is_free(self, unit: int) -> bool:
        return self._population(unit) is not None and unit not in self._all

    def _is_near(self, unit: int) -> bool:
        somata = self._candidates.positions
        distance = np.linalg.norm(somata[self._all] - somata[unit], axis=1)
        near = bool(np.any(distance < self._choice.min_distance))
        self._near += near
        return near

    def _overlaps(self, unit: int) -> int:
        """Pairs that a unit makes with those taken."""
        if self._choice.overlaps is None or not self._all:
            return 0
        share = self._choice.overlap
        return int(np.count_nonzero(self._candidates.overlapping(unit, self._all, share)))

    def check(self) -> None:
        """Raise `UsageError` where units or pairs are missing."""
        low, high = self._choice.amplitude
        wanted = self._choice.overlaps or 0
        for name, units in self.taken.items():
            if len(units) < self._counts[name]:
                crossed = f", {self._crossed} overlap others" if self._crossed else ""
                raise UsageError(
                    f"{len(units)} of the {self._counts[name]} units of '{name}' can be chosen from"
                    f" {len(self._fits)} templates: {np.count_nonzero(~self._fits)} have another"
                    f" amplitude than {low:g} to {high:g} mV, {self._near} are nearer than"
                    f" {self._choice.min_distance:g} um to others{crossed}",
                    remedy="make more --placements, or relax --amplitude, --min-distance or"
                    " --overlaps",
                )
        if self._pairs < wanted:
            raise UsageError(
                f"{self._pairs} of {wanted} pairs of units overlap",
                remedy="make more --placements, or lower --overlaps, its share or --min-distance",
            )


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
