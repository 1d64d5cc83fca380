"""A model from a morphology and a few short texts, as one command line gives them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from lfpcli import vocabulary
from lfpcli.errors import UsageError

_INPUT = re.compile(r"(?P<place>.+):(?P<weight>[^:@]+)@(?P<times>[^@]+)")
_STIMULUS = re.compile(r"(?P<place>.+):(?P<amp>[^:@]+)@(?P<delay>[^@+]+)\+(?P<dur>[^@]+)")


@dataclass
class Quick:
    """The texts.

    Attributes
    ----------
    passive : str or None
        Parameters of `pas` everywhere, ``g=1e-4,e=-65``.
    insert : sequence of str
        ``hh``, ``hh@soma,axon`` or ``hh@soma:gnabar=0.2``.
    input : sequence of str
        ``PLACE:WEIGHT@T1,T2``: a synapse, uS and ms.
    synapse : str or None
        Its kind, ``Exp2Syn:tau1=0.2,tau2=2,e=0``.
    stim : sequence of str
        ``PLACE:AMP@DELAY+DUR``: an IClamp, nA and ms.
    array : str or None
        An array by name that measures while it runs.
    contacts : str or list of points or None
        Or the file of a table of contacts, or their places.
    record : sequence of str or None
        Of ``imem``, ``vmem``, and range variables.
    """

    passive: str | None = None
    insert: Sequence[str] = ()
    input: Sequence[str] = ()
    synapse: str | None = None
    stim: Sequence[str] = ()
    array: str | None = None
    contacts: str | Sequence[Sequence[float]] | None = None
    record: Sequence[str] | None = None

    def present(self) -> list[str]:
        """Names of the texts that are there."""
        return [f.name for f in fields(self) if getattr(self, f.name)]


def quick_model(morphology: Path, quick: Quick, *, hoc: bool = False) -> dict[str, Any]:
    """Return the tree of a model of one cell, named "cell".

    Currents are stored where no probe takes them, so that ``lfp probe`` can follow.

    Parameters
    ----------
    morphology : Path
        The morphology.
    quick : Quick
        The texts.
    hoc : bool
        Whether the file is a hoc file that builds the cell with all that is on it. What such a
        file may hold, NEURON alone runs.

    Returns
    -------
    dict
        What `lfpcli.model.load_model` takes.

    Raises
    ------
    UsageError
        Where a text is not of its form.
    """
    run: dict[str, Any] = {}
    if hoc:
        run["engine"] = "neuron"
    mechanisms = [_insert(text) for text in quick.insert]
    if quick.passive is not None:
        leak = {"g": vocabulary.PASSIVE_G, "e": vocabulary.PASSIVE_E} | _pairs(quick.passive)
        mechanisms.insert(0, {"name": "pas", "sections": ["all"], **leak})
        if not hoc:
            # a cell that is only leaky begins at rest
            run["v_init"] = leak["e"]
    probe = {k: v for k in ("array", "contacts") if (v := getattr(quick, k)) is not None}
    record = quick.record
    if record is None:
        record = () if probe else ("imem",)
    source = "hoc" if hoc else "morphology"
    return {
        "run": run,
        "cell": {"cell": {source: str(morphology), "mechanism": mechanisms}},
        "input": [_input(text, quick.synapse or vocabulary.QUICK_SYNAPSE) for text in quick.input],
        "stimulus": [_stimulus(text) for text in quick.stim],
        "probe": [{"name": "LFP", **probe}] if probe else [],
        "record": {
            "imem": "imem" in record,
            "vmem": "all" if "vmem" in record else "soma",
            "variables": [name for name in record if name not in ("imem", "vmem")],
        },
    }


def attached_model(script: Path, quick: Quick) -> dict[str, Any]:
    """Return the tree of a model of the cells that a script builds.

    Parameters
    ----------
    script : Path
        The script.
    quick : Quick
        The texts; those that measure and record.

    Raises
    ------
    UsageError
        Where one of the texts puts something into a cell.
    """
    measures = ("array", "contacts", "record")
    if others := [name for name in quick.present() if name not in measures]:
        raise UsageError(
            f"--{others[0]} does not go with --attach", remedy="let the script do what it does"
        )
    tree = quick_model(script, quick)
    return {name: tree[name] for name in ("probe", "record")} | {"run": {"attach": str(script)}}


def _insert(text: str) -> dict[str, Any]:
    head, _, parameters = text.partition(":")
    name, at, sections = head.partition("@")
    if not name or (at and not sections):
        raise _misformed(text, "hh@soma,axon:gnabar=0.12")
    places = sections.split(",") if sections else ["all"]
    return {"name": name, "sections": places, **_pairs(parameters)}


def _input(text: str, synapse: str) -> dict[str, Any]:
    form = _INPUT.fullmatch(text)
    if not form:
        raise _misformed(text, "soma:0.005@20,40")
    type_name, _, parameters = synapse.partition(":")
    return {
        "synapse": {"type": type_name, **_pairs(parameters)},
        "weight": _number(form["weight"], text),
        "location": _place(form["place"]),
        "source": {"times": [_number(t, text) for t in form["times"].split(",")]},
    }


def _stimulus(text: str) -> dict[str, Any]:
    form = _STIMULUS.fullmatch(text)
    if not form:
        raise _misformed(text, "soma:0.5@10+50")
    values = {name: _number(form[name], text) for name in ("amp", "delay", "dur")}
    return {"type": "IClamp", "location": _place(form["place"]), **values}


def _place(text: str) -> Any:
    """A place on the cell; the soma alone means its middle, which needs no draw."""
    return {"section": "soma"} if text == "soma" else text


def _pairs(text: str) -> dict[str, float]:
    """Read ``a=1,b=2``."""
    values = {}
    for part in filter(None, text.split(",")):
        name, equals, value = part.partition("=")
        if not equals or not name.strip():
            raise _misformed(text, "g=1e-4,e=-65")
        values[name.strip()] = _number(value, text)
    return values


def _number(text: str, whole: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"'{text}' in '{whole}' is not a number") from None


def _misformed(text: str, example: str) -> UsageError:
    return UsageError(f"'{text}' is not of the form {example}")
