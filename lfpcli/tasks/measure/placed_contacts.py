"""Contacts of a probe and electrodes of a field, where they stand."""

from __future__ import annotations

from dataclasses import replace

from lfpcli.forward.contacts import Contacts
from lfpcli.io.arrays import load_contacts
from lfpcli.model.probe import Field, Probe


def contacts_of(probe: Probe | Field) -> Contacts:
    """Contacts of a probe, or electrodes of a field, in place."""
    if isinstance(probe, Probe) and probe.lead_field is not None:
        # its grids take scipy, which is long to import
        from lfpcli.io.lead_grids import read_lead_grids

        return read_lead_grids(probe.lead_field).contacts
    listed = probe.contacts if isinstance(probe, Probe) else probe.electrodes
    spec = probe.array if probe.array is not None else listed
    contacts = load_contacts(
        spec,  # type: ignore[arg-type]
        shift=probe.shift,
        rotate=probe.rotate.rotation if probe.rotate else None,
        radius=probe.radius,
        shape=probe.shape,
        normal=probe.normal,
    )
    if probe.half_sides is not None:
        contacts = replace(contacts, half_sides=(probe.half_sides[0], probe.half_sides[1]))
    return contacts
