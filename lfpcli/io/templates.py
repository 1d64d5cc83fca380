"""Writing templates: signals of one cell at many places."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np

from lfpcli.forward.contacts import Contacts
from lfpcli.forward.placements import Placements
from lfpcli.io.recording import encode
from lfpcli.io.writer import RecordingWriter, store

FORMAT = "lfp-templates"
VERSION = 1
CHUNK_BYTES = 1 << 20


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

    def __init__(
        self, path: str | os.PathLike[str], provenance: Mapping[str, Any], *, float32: bool = False
    ) -> None:
        super().__init__(path, provenance, float32=float32)
        self.file.attrs["format"] = FORMAT
        self.file.attrs["format_version"] = VERSION
        for mark in ("magic", "version"):
            del self.file.attrs[mark]

    def __enter__(self) -> TemplateWriter:
        return self

    def begin(
        self,
        placements: Placements,
        contacts: Contacts,
        inside: np.ndarray,
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
        inside : ndarray
            What `lfpcli.forward.placing.contacts_inside` found.
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
