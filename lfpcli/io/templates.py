"""Files of templates: signals of a cell's spike at many places."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np

from lfpcli.errors import InputError
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.placements import Placements
from lfpcli.guarded.hdf5 import CheckedDataset, attribute_number, numbers, texts, whole
from lfpcli.io.attributes import as_plain, encode
from lfpcli.io.recording import open_hdf5
from lfpcli.io.storage import store
from lfpcli.io.text import as_text
from lfpcli.io.writer import RecordingWriter

FORMAT = "lfp-templates"
VERSION = 1
CHUNK_BYTES = 1 << 20
_AGAIN = "make the templates again with 'lfp probe --placements'"


class TemplateWriter(RecordingWriter):
    """Writes a file of templates, see lfp-format(5); a context manager.

    Parameters
    ----------
    path : path-like
        File to write; use `lfpcli.io.atomic.atomic_output` for it.
    provenance : mapping
        See `lfpcli.io.provenance`.
    float32 : bool
        Whether templates are kept in single precision.
    """

    format_name, format_version = FORMAT, VERSION

    def __enter__(self) -> TemplateWriter:
        return self

    def begin(
        self,
        placements: Placements,
        contacts: Contacts,
        inside: np.ndarray,
        *,
        samples: int,
        facts: Mapping[str, Any],
    ) -> h5py.Dataset:
        """Write all but the templates, and return their dataset, (P, C, samples).

        Parameters
        ----------
        placements : Placements
            P places and turns.
        contacts : Contacts
            C contacts.
        inside : ndarray, shape (K,)
            Rows of contacts inside segments, as `lfpcli.forward.placing.contacts_inside` has them.
        samples : int
            Samples of a template.
        facts : mapping
            Attributes of the templates: dt, t_start, the model and its parameters.
        """
        store(self.file, "positions", placements.positions, dtype=float, units="um")
        store(self.file, "rotations", placements.rotations, dtype=float, units="1")
        store(self.file, "contacts", contacts.positions, dtype=float, units="um")
        store(self.file, "contact_names", np.array(list(contacts.ids), dtype=object))
        store(self.file, "inside", inside, units="distance and radius in um")
        shape = (len(placements), len(contacts), samples)
        row = max(1, shape[1] * shape[2]) * self.dtype.itemsize
        chunk = (max(1, min(shape[0], CHUNK_BYTES // row)), max(1, shape[1]), max(1, samples))
        templates = self.file.create_dataset(
            "templates", shape=shape, chunks=chunk, dtype=self.dtype, fletcher32=True
        )
        for name, value in encode({"units": "mV", **facts}).items():
            templates.attrs[name] = value
        return templates

    def cells(self, cell_types: np.ndarray, gids: np.ndarray) -> None:
        """Say which cell each placement is of: its type (P,), and its gid (P,), where several."""
        store(self.file, "cell_types", cell_types)
        store(self.file, "gids", gids, dtype=np.int64)

    def paths(self, units: int, steps: int) -> None:
        """Say that placements are `steps` places on the path of each of `units` cells."""
        store(self.file, "units", np.repeat(np.arange(units), steps), dtype=np.int64)
        store(self.file, "steps", np.tile(np.arange(steps), units), dtype=np.int64)


@dataclass(frozen=True, kw_only=True)
class TemplateFile:
    """A file of templates opened for reading; see `open_templates`.

    Attributes
    ----------
    templates : CheckedDataset, shape (P, C, T)
        mV, read where it is sliced.
    positions : ndarray, shape (P, 3)
        Places of the somata, um.
    rotations : ndarray, shape (P, 3, 3)
        Turns.
    contacts : ndarray, shape (C, 3)
        um.
    contact_names : list of str
        Names of the contacts.
    cell_types : list of str
        Type of the cell of each placement.
    units, steps : ndarray of int, shape (P,)
        Which unit each placement is of, and where on the unit's path.
    dt, t_start : float
        Sampling interval, and time of the first sample from the spike, ms.
    facts : dict
        All attributes of the templates.
    name : str
        Name of the file, for messages.
    """

    templates: CheckedDataset
    positions: np.ndarray
    rotations: np.ndarray
    contacts: np.ndarray
    contact_names: list[str]
    cell_types: list[str]
    units: np.ndarray
    steps: np.ndarray
    dt: float
    t_start: float
    facts: dict[str, Any]
    name: str


@contextlib.contextmanager
def open_templates(source: str | os.PathLike[str]) -> Iterator[TemplateFile]:
    """Open a file of templates.

    Raises
    ------
    InputError
        Where it is none, or what it holds does not go together.
    """
    with open_hdf5(source) as (file, name):
        if as_text(file.attrs.get("format", "")) != FORMAT:
            raise InputError(
                "holds no templates", source=name, remedy="make them with 'lfp probe --placements'"
            )
        templates = numbers(file, "templates", name, ndim=3)
        facts = {key: as_plain(value) for key, value in templates.attrs.items()}
        placements, contacts = templates.shape[:2]
        read = _Arrays(file, name)
        units = np.arange(placements)
        steps = np.zeros(placements, np.int64)
        if "units" in file:
            units = read.array("units", (placements,), np.int64)
            steps = read.array("steps", (placements,), np.int64)
        types = [str(facts.get("cell_type", f"cell {facts.get('gid', 0)}"))] * placements
        if "cell_types" in file:
            types = read.texts("cell_types", placements)
        source_name = f"{name}:/templates"
        dt, t_start = (
            attribute_number(templates, key, source_name, remedy=_AGAIN)
            for key in ("dt", "t_start")
        )
        if dt <= 0:
            raise InputError(
                f"has a sampling interval of {dt:g} ms", source=source_name, remedy=_AGAIN
            )
        yield TemplateFile(
            templates=templates,
            positions=read.array("positions", (placements, 3)),
            rotations=read.array("rotations", (placements, 3, 3)),
            contacts=read.array("contacts", (contacts, 3)),
            contact_names=read.texts("contact_names", contacts),
            cell_types=types,
            units=units,
            steps=steps,
            dt=dt,
            t_start=t_start,
            facts=facts,
            name=name,
        )


@dataclass(frozen=True)
class _Arrays:
    """Arrays of a file, of the shapes that they must have."""

    file: h5py.File
    name: str

    def array(self, path: str, shape: tuple[int, ...], dtype: Any = float) -> np.ndarray:
        values = whole(numbers(self.file, path, self.name), dtype)
        if values.shape != shape:
            raise InputError(
                f"has shape {values.shape}, expected {shape}",
                source=f"{self.name}:/{path}",
                remedy=_AGAIN,
            )
        return values

    def texts(self, path: str, count: int) -> list[str]:
        values = texts(self.file, path, self.name)
        if len(values) != count:
            raise InputError(
                f"holds {len(values)} names for {count}",
                source=f"{self.name}:/{path}",
                remedy=_AGAIN,
            )
        return values
