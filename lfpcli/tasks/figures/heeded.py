"""What a file holds, and which options a picture of it heeds; what nothing heeds is refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lfpcli.errors import UsageError
from lfpcli.io import kernels, templates
from lfpcli.io.recording import stored_format
from lfpcli.morphology.formats import morphology_format
from lfpcli.tasks.figures.network_figure import holds_network
from lfpcli.tasks.figures.panels import View, refuse_options
from lfpcli.tasks.figures.parts import Part

# attributes of `View` that the contents of parts heed
_HEEDED: dict[str, tuple[str, ...]] = {
    "geometry": ("cells", "max_cells", "view", "synapses"),
    "spikes": ("time",),
    "report": ("time", "cells"),
    "dipole": ("time",),
    "signal": ("time", "channels", "form"),
    "topography": ("time", "at", "times"),
    "spectra": ("time", "channels"),
    "spectrogram": ("time", "channels"),
    "shares": ("time", "channels", "layers"),
    "array": ("time", "channels"),
    "footprint": ("time", "channels", "cells"),
}
_OF_MAPS = ("map", "plane", "extent", "scale", "at", "time", "cells", "max_cells", "synapses")
_OF_PAINT = ("paint", "at", "time", "view", "cells", "max_cells")
# these choose parts
_ALWAYS = ("beside", "signal")
_MOST_NAMED = 4
# the cells of a page have contacts, but no synapses; characters show no cells at all
NEVER_IN_PAGES = ("synapses",)
NEVER_AS_CHARACTERS = ("map", "plane", "extent", "scale", "paint")


def contents_of(path: Path) -> str:
    """What a file holds: morphology, templates, kernels, network, or else a recording."""
    if morphology_format(path) is not None:
        return "morphology"
    format_name = stored_format(path)
    for name, known in (("templates", templates.FORMAT), ("kernels", kernels.FORMAT)):
        if format_name == known:
            return name
    return "network" if holds_network(path) else "recording"


def check_whole(contents: str, parts: Sequence[str] | None, view: View) -> None:
    """Refuse what a file that is drawn whole does not heed; `contents` is that of `contents_of`.

    Raises
    ------
    UsageError
        Where a part is asked for that it has not, or an option chosen that it does not heed.
    """
    if view.map is not None or view.paint is not None:
        raise UsageError("a map of potentials or a painted cell is drawn of a recording")
    if contents == "morphology":
        for token in (*(parts or ()), *view.beside):
            if token != "geometry":
                remedy = "only its geometry"
                raise UsageError(f"a morphology holds no '{token}' to draw", remedy=remedy)
        refuse_options(view, "a morphology", but=("view", *_ALWAYS))
    elif contents == "kernels":
        if parts is not None:
            remedy = "--signal NAME chooses some"
            raise UsageError("kernels are drawn whole, without --what", remedy=remedy)
        refuse_options(view, "a file of kernels", but=_ALWAYS)
    elif contents == "templates":
        if parts is not None or view.beside:
            raise UsageError(
                "templates are drawn whole, without --what and --signal",
                remedy="--placement N draws another",
            )
        refuse_options(view, "a file of templates", but=("placement",))
    else:
        if parts is not None or view.beside:
            raise UsageError("a network has no parts to choose from")
        refuse_options(view, "a network")


def check_view(
    view: View, parts: Sequence[Part], *, noun: str = "a figure", never: Sequence[str] = ()
) -> None:
    """Refuse what no part of a picture of a recording heeds, nor its map or painted cells.

    Parameters
    ----------
    view : View
        What was chosen.
    parts : sequence of Part
        What is drawn beside a map or painted cells.
    noun : str
        What the picture is.
    never : sequence of str
        Attributes of `View` that no such picture heeds.

    Raises
    ------
    UsageError
        Where an option is chosen that none of them heeds.
    """
    heeded = set(_ALWAYS)
    tokens = list(dict.fromkeys(part.token for part in parts))
    for part in parts:
        heeded.update(_HEEDED[part.content])
    if view.map is not None:
        heeded.update(_OF_MAPS)
        tokens.append("a map")
    if view.paint is not None:
        heeded.update(_OF_PAINT)
        tokens.append("painted cells")
    named = ", ".join(tokens[:_MOST_NAMED]) + (" ..." if len(tokens) > _MOST_NAMED else "")
    refuse_options(view, f"{noun} of {named}", but=tuple(heeded - set(never)))


def check_comparison(view: View) -> None:
    """As `check_view`, of several recordings over each other."""
    for chosen, noun in ((view.map, "a map of potentials"), (view.paint, "a painted cell")):
        if chosen is not None:
            raise UsageError(f"{noun} is drawn of one recording")
    refuse_options(view, "a comparison", but=("time", "channels", *_ALWAYS))


def check_film(view: View) -> None:
    """As `check_view`, of a film, which shows many times."""
    of_film = _OF_MAPS if view.map is not None else _OF_PAINT
    heeded = [name for name in of_film if name not in ("at", "synapses")]
    refuse_options(view, "a film", but=(*heeded, *_ALWAYS))
