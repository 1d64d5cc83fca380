"""Media whose conductivity depends on frequency: models with real ones, and how they are mixed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from lfpcli.errors import InputError
from lfpcli.forward import media
from lfpcli.forward.dispersion import Mixture, Ratio, nodes_between
from lfpcli.forward.grid_medium import GridMedium
from lfpcli.forward.potentials import PotentialModel
from lfpcli.forward.regions import Medium
from lfpcli.model.dispersion import DispersionTable
from lfpcli.model.regions import Regions

IMAGES, GRIDS = 8, 5
"""Ratios of two parts of a medium that potentials are solved for, by images and on grids."""
DISPERSIONS = 3
"""Ways to depend on frequency that one medium may have."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Spectral:
    """How currents make potentials at all frequencies.

    Attributes
    ----------
    models : tuple of PotentialModel
        With real conductivities, one for each part of the mixture.
    mixture : Mixture or None
        How the signals of the models are mixed; None where nothing depends on frequency.
    """

    models: tuple[PotentialModel, ...]
    mixture: Mixture | None = None


def spectral(
    model: PotentialModel, table: DispersionTable | None, regions: Regions | None
) -> Spectral:
    """Models and mixture of a probe.

    Parameters
    ----------
    model : PotentialModel
        With the conductivities of the probe.
    table : DispersionTable or None
        Dispersion of its tissue, or of all regions that have none of their own.
    regions : Regions or None
        The medium, where it is one of regions.

    Raises
    ------
    InputError
        Where more than three parts of the medium have dispersions of their own, or a file is wrong.
    """
    first = Ratio() if table is None else table.ratio
    if isinstance(model.medium, GridMedium):
        return _of_regions(model, first, model.medium, regions)
    if table is None:
        return Spectral(models=(model,))
    beyond = _beyond(model.medium)
    if not beyond:
        return Spectral(models=(model,), mixture=Mixture(first=first))
    medium = model.medium
    assert medium is not None

    def scaled(factors: Sequence[float]) -> PotentialModel:
        values = {name: factors[0] * sigma for name, sigma in beyond.items()}
        return replace(model, medium=replace(medium, **values))  # type: ignore[arg-type]

    return _of_parts(scaled, first, [Ratio()], IMAGES)


def _beyond(medium: media.Medium | GridMedium | None) -> dict[str, float]:
    """Conductivities of what conducts beside the tissue, by their names."""
    names = ("sigma_other", "sigma_saline", "sigma_glass", "sigma_out")
    values = {name: float(getattr(medium, name, 0.0)) for name in names}
    return {name: sigma for name, sigma in values.items() if sigma > 0}


def _of_regions(
    model: PotentialModel, first: Ratio, medium: GridMedium, regions: Regions | None
) -> Spectral:
    """Models of a medium of regions, those of a dispersion of their own multiplied."""
    others: list[Ratio] = []
    # which of the others a region has
    chosen: dict[int, int] = {}
    for number, entry in enumerate(() if regions is None else regions.regions):
        ratio = first if entry.dispersion is None else entry.dispersion.ratio
        if max(entry.region.sigma) <= 0 or entry.region.is_metal or ratio.is_like(first):
            continue
        like = [k for k, other in enumerate(others) if ratio.is_like(other)]
        if not like and len(others) + 1 == DISPERSIONS:
            raise InputError(
                f"regions[{number}] depends on frequency in a way of its own, beside {DISPERSIONS} "
                "others; no more are solved for",
                remedy="give it the dispersion of the background or of another region",
            )
        chosen[number] = like[0] if like else len(others)
        if not like:
            others.append(ratio)
    if not others:
        mixture = None if first.dispersion is None else Mixture(first=first)
        return Spectral(models=(model,), mixture=mixture)
    conductor = medium.conductor

    def scaled(factors: Sequence[float]) -> PotentialModel:
        parts = []
        for number, region in enumerate(conductor.regions):
            size = factors[chosen[number]] if number in chosen else 1.0
            parts.append(replace(region, sigma=tuple(size * s for s in region.sigma)))
        other = Medium(background=conductor.background, regions=tuple(parts))
        solved = GridMedium(conductor=other, tolerance=medium.tolerance, reach=medium.reach)
        return replace(model, medium=solved)

    return _of_parts(scaled, first, others, GRIDS)


def _of_parts(
    scaled: Callable[[Sequence[float]], PotentialModel],
    first: Ratio,
    others: Sequence[Ratio],
    count: int,
) -> Spectral:
    nodes = tuple(nodes_between(first, other, count) for other in others)
    mixture = Mixture(first=first, others=tuple(others), nodes=nodes)
    return Spectral(models=tuple(map(scaled, mixture.factors)), mixture=mixture)
