"""Files of lead fields: what a medium of regions adds to the potentials of contacts, on grids."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np

from lfpcli.errors import InputError
from lfpcli.forward.contact_field import ContactField
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.grid import Grid
from lfpcli.forward.grid_values import GridValues
from lfpcli.forward.tensors import matrices
from lfpcli.guarded.hdf5 import CheckedDataset, attribute_number, numbers, texts, whole
from lfpcli.guarded.writing import new_hdf5
from lfpcli.io.recording import open_hdf5
from lfpcli.io.storage import store
from lfpcli.io.text import as_text
from lfpcli.vocabulary import LEAD_FORMAT

FORMAT, VERSION = LEAD_FORMAT, 1
MOST_RATIO = 100
_AGAIN = "make it again with 'lfp leadfield'"
_GRIDS = ("coarse", "fine")
# what stands for the conductivity of metal, S/m
_METAL = -1.0


@dataclass(frozen=True, kw_only=True)
class LeadGrids:
    """Lead fields of contacts in a medium.

    Attributes
    ----------
    contacts : Contacts
        The contacts.
    medium : mapping
        The keys of the medium, as a model file has them.
    fields : sequence of ContactField
        One for each contact.
    """

    contacts: Contacts
    medium: Mapping[str, Any]
    fields: Sequence[ContactField]


def write_lead_grids(
    path: str | os.PathLike[str], lead: LeadGrids, provenance: Mapping[str, Any]
) -> None:
    """Write lead fields; use `lfpcli.io.atomic.atomic_output` for the path.

    Parameters
    ----------
    path : path-like
        File to write.
    lead : LeadGrids
        What to write.
    provenance : mapping
        See `lfpcli.io.provenance`.
    """
    contacts = lead.contacts
    with new_hdf5(path, checked=True) as file:
        file.attrs["format"], file.attrs["format_version"] = LEAD_FORMAT, VERSION
        file.attrs["medium"] = json.dumps(lead.medium)
        file.attrs["array"] = contacts.name
        file.attrs["provenance"] = json.dumps(provenance)
        store(file, "positions", contacts.positions, dtype=float, units="um")
        store(file, "names", np.array(list(contacts.ids), object))
        for number, one in enumerate(lead.fields):
            group = file.create_group(f"fields/{number}")
            group.attrs["ratio"] = one.ratio
            group.attrs["error"] = one.error
            group.attrs["largest_error"] = one.largest_error
            store(group, "sigma", _stored(one.sigma), dtype=float, units="S/m")
            for name, values in zip(_GRIDS, (one.coarse, one.fine), strict=True):
                _write_grid(group.create_group(name), values)


def _write_grid(group: h5py.Group, values: GridValues) -> None:
    for axis, faces in zip("xyz", values.grid.faces, strict=True):
        store(group, axis, faces, dtype=float, units="um")
    store(group, "conductivities", _stored(values.conductivities), dtype=float, units="S/m")
    store(group, "media", values.media)
    store(group, "remainder", values.remainder, units="mV/nA")


def read_lead_grids(path: str | os.PathLike[str], label: str | None = None) -> LeadGrids:
    """Read a file of lead fields.

    Parameters
    ----------
    path : path-like
        The file.
    label : str, optional
        What to call it in messages.

    Raises
    ------
    InputError
        Where it is none, or what it holds does not go together.
    """
    with open_hdf5(path, label) as (file, name):
        if as_text(file.attrs.get("format", "")) != LEAD_FORMAT:
            raise InputError(
                "holds no lead fields of contacts",
                source=name,
                remedy="make them with 'lfp leadfield'",
            )
        try:
            medium = json.loads(as_text(file.attrs.get("medium", "")))
        except (ValueError, RecursionError) as error:
            raise InputError("tells no medium", source=name, remedy=_AGAIN) from error
        positions = whole(numbers(file, "positions", name, ndim=2))
        names = texts(file, "names", name)
        if positions.shape != (len(names), 3):
            raise InputError(
                f"has shape {positions.shape}, and there are {len(names)} names",
                source=f"{name}:/positions",
                remedy=_AGAIN,
            )
        contacts = Contacts(positions, name=as_text(file.attrs.get("array", "")), ids=names)
        fields = [_field(file, k, position, name) for k, position in enumerate(contacts.positions)]
    return LeadGrids(contacts=contacts, medium=medium, fields=fields)


def lead_facts(file: h5py.File, name: str) -> dict[str, Any]:
    """What a file of lead fields says of itself, without its grids.

    Parameters
    ----------
    file : h5py.File
        The file.
    name : str
        Its name, for errors.

    Returns
    -------
    dict
        ``array``, ``medium`` and ``contacts``, each with ``name``, ``position_um``, ``error``,
        ``largest_error`` and ``cells``.

    Raises
    ------
    InputError
        Where it does not say them.
    """
    try:
        medium = json.loads(as_text(file.attrs.get("medium", "")))
    except (ValueError, RecursionError) as error:
        raise InputError("tells no medium", source=name, remedy=_AGAIN) from error
    positions = whole(numbers(file, "positions", name, ndim=2))
    rows = []
    for number, label in enumerate(texts(file, "names", name)[: len(positions)]):
        group = file.get(f"fields/{number}")
        source = f"{name}:/fields/{number}"
        if not isinstance(group, h5py.Group):
            raise InputError("is missing", source=source, remedy=_AGAIN)
        cells = numbers(group, "fine/remainder", name, ndim=3).shape
        rows.append(
            {
                "name": label,
                "position_um": positions[number].tolist(),
                "error": attribute_number(group, "error", source),
                "largest_error": attribute_number(group, "largest_error", source),
                "cells": int(np.prod(cells)),
            }
        )
    return {"array": as_text(file.attrs.get("array", "")), "medium": medium, "contacts": rows}


def _field(file: h5py.File, number: int, contact: np.ndarray, name: str) -> ContactField:
    base = f"fields/{number}"
    group = file.get(base)
    source = f"{name}:/{base}"
    if not isinstance(group, h5py.Group):
        raise InputError("is missing", source=source, remedy=_AGAIN)
    sigma = _with_metal(numbers(group, "sigma", name, ndim=1))
    if sigma.shape not in ((3,), (6,)) or not np.all(sigma[:3] > 0):
        raise InputError("sigma is not three numbers > 0", source=source, remedy=_AGAIN)
    if len(sigma) == 6 and np.linalg.eigvalsh(matrices(sigma)).min() <= 0:
        raise InputError("sigma is no positive tensor", source=source, remedy=_AGAIN)
    coarse, fine = (_grid(group, grid, contact=contact, sigma=sigma, label=name) for grid in _GRIDS)
    ratio = attribute_number(group, "ratio", source)
    # of the parts of two grids that are solved one after the other
    if not 1 < ratio <= MOST_RATIO:
        raise InputError(
            f"attribute 'ratio' is not above 1 and at most {MOST_RATIO}",
            source=source,
            remedy=_AGAIN,
        )
    return ContactField(
        coarse=coarse,
        fine=fine,
        ratio=ratio,
        error=attribute_number(group, "error", source),
        largest_error=attribute_number(group, "largest_error", source),
    )


def _stored(sigma: np.ndarray) -> np.ndarray:
    """Conductivities as a file has them, in which no number is infinite."""
    return np.where(np.isinf(sigma), _METAL, sigma)


def _with_metal(dataset: CheckedDataset) -> np.ndarray:
    """Conductivities of a file, infinite ones of metal."""
    values = whole(dataset)
    metal = (values[..., :3] == _METAL).all(axis=-1)
    values[metal, :3] = np.inf
    return values


def _grid(
    field: h5py.Group, grid: str, *, contact: np.ndarray, sigma: np.ndarray, label: str
) -> GridValues:
    source = f"{label}:{field.name}/{grid}"
    x, y, z = (whole(numbers(field, f"{grid}/{axis}", label, ndim=1)) for axis in "xyz")
    for faces in (x, y, z):
        if len(faces) < 3 or not np.all(np.diff(faces) > 0):
            raise InputError("faces of cells do not ascend", source=source, remedy=_AGAIN)
    shape = len(x) - 1, len(y) - 1, len(z) - 1
    conductivities = _with_metal(numbers(field, f"{grid}/conductivities", label, ndim=2))
    media = numbers(field, f"{grid}/media", label, ndim=3)
    remainder = numbers(field, f"{grid}/remainder", label, ndim=3)
    if media.shape != shape or remainder.shape != shape or conductivities.shape[1:] != sigma.shape:
        raise InputError("arrays do not have the grid's shape", source=source, remedy=_AGAIN)
    index = whole(media, np.int64)
    if index.min() < 0 or index.max() >= len(conductivities) or conductivities[:, :3].min() < 0:
        raise InputError("has cells of no medium", source=source, remedy=_AGAIN)
    return GridValues(
        grid=Grid(faces=(x, y, z)),
        conductivities=conductivities,
        media=index.astype(np.uint16 if len(conductivities) < 2**16 else np.uint32),
        remainder=whole(remainder, np.float32),
        contact=contact,
        sigma=sigma,
    )
