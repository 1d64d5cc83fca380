"""Reading Neurolucida files (.asc): from what they draw to sections, as NEURON makes them.

The rules, as NEURON 9 has them (share/lib/hoc/import3d, Import3d_Neurolucida3):

- Contours named CellBody, Cell Body or Soma make the soma; those that overlap the one before in
  the xy plane are a stack with it.
- A tree hangs by a wire on the middle of the soma in whose bounding box it begins, 0.5 um wider,
  else of the nearest one. Without a soma trees are roots.
- A branch begins at its parent's last point, with a diameter of its own.
- Branches of one point, or of two at the same place, vanish; their children move to their parent.
- Sections are created type by type, somata first.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lfpcli.errors import InputError, LfpWarning
from lfpcli.morphology.asc_text import REMEDY, AscParser, Branch, Contour
from lfpcli.morphology.contours import (
    EPSILON,
    FEWEST_CONTOUR_POINTS,
    centre,
    single_soma,
    stack_centre,
    stacked_soma,
)
from lfpcli.morphology.points import check_values
from lfpcli.morphology.section import SOMA, Section, cylinder, numbered, rounded
from lfpcli.morphology.tree import Morphology

LARGEST_FILE = 512 * 2**20
# a tree that begins this far outside of the soma's box still begins in it, um
MARGIN = 0.5


@dataclass(eq=False)
class _Piece:
    """A section in the making; its first point lies on the parent, or on the wire's other end."""

    type: int
    points: np.ndarray
    lines: np.ndarray
    parent: _Piece | None = None
    parent_x: float = 1.0
    wire: np.ndarray | None = None
    index: int = -1

    @property
    def vanishes(self) -> bool:
        """Whether it has no extent; a root is a sphere then."""
        if self.parent is None:
            return False
        if len(self.points) == 1:
            return True
        return len(self.points) == 2 and bool(np.all(self.points[0, :3] == self.points[1, :3]))


@dataclass
class _Soma:
    """A soma: its contours, its box in the xy plane, and its middle."""

    piece: _Piece
    contours: list[np.ndarray] = field(default_factory=list)

    def overlaps(self, contour: np.ndarray) -> bool:
        """Whether the box of its last contour meets that of another one."""
        last = self.contours[-1]
        low, high = last[:, :2].min(axis=0), last[:, :2].max(axis=0)
        apart = (low > contour[:, :2].max(axis=0) + EPSILON) | (
            contour[:, :2].min(axis=0) > high + EPSILON
        )
        return not bool(apart.any())

    def middle(self) -> np.ndarray:
        """Where wires begin, shape (3,), um."""
        if len(self.contours) == 1:
            return centre(self.contours[0])
        return stack_centre(self.contours)

    def holds(self, point: np.ndarray) -> bool:
        """Whether a point lies in its box."""
        outline = np.vstack(self.contours)[:, :2]
        margin = MARGIN if len(self.contours) == 1 else 0.0
        low, high = outline.min(axis=0) - margin, outline.max(axis=0) + margin
        return bool(np.all((point[:2] >= low) & (point[:2] <= high)))


def read_asc(path: str | os.PathLike[str], *, name: str | None = None) -> Morphology:
    """Read a cell from a Neurolucida file.

    Spines, markers, texts and contours that are no soma are passed over, and counted in
    ``Morphology.notes``.

    Parameters
    ----------
    path : path-like
        The file.
    name : str, optional
        What to call it in messages.

    Returns
    -------
    Morphology
        With the sections that NEURON makes of the file.

    Raises
    ------
    InputError
        With file and line, where the text is no Neurolucida file, or a point cannot be.
    """
    label = name or str(path)
    parser = AscParser(_text(Path(path), label), label)
    drawing = parser.parse()
    points = np.array(drawing.points, dtype=float).reshape(-1, 4)
    lines = np.array([parser.line_of(offset) for offset in drawing.offsets], np.int64)
    _check(points, drawing.branches, lines, label)
    somata_drawn = _soma_contours(drawing.contours)
    contours = [c for c in somata_drawn if c.stop - c.first >= FEWEST_CONTOUR_POINTS]
    for contour in somata_drawn:
        if contour not in contours:
            _warn_of_few_points(contour, f"{label}:{parser.line_of(contour.offset)}")
    somata = _somata(contours, points, lines, label)
    pieces = _pieces(drawing.branches, points, lines)
    _join_roots([piece for piece in pieces if piece.parent is None], somata)
    sections = _sections([soma.piece for soma in somata] + _without_vanishing(pieces))
    if not sections:
        raise InputError("draws no soma and no tree", source=label, remedy=REMEDY)
    passed_over = drawing.passed_over
    passed_over["contour that is no soma"] = len(drawing.contours) - len(somata_drawn)
    notes = [f"left out: {count} x {noun}" for noun, count in sorted(passed_over.items()) if count]
    return Morphology.from_sections(sections, name=label, notes=notes)


def _text(path: Path, label: str) -> str:
    """Text of a file, with line feeds alone between lines."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise InputError(
                "is too large for a morphology",
                source=label,
                remedy="check that it is a morphology",
            )
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror}", source=label, remedy="check its permissions"
        ) from error
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        raise InputError("binary data, no text", source=f"{label}:{line}", remedy=REMEDY)
    text = data.decode("utf-8", errors="replace").removeprefix("\ufeff")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _check(points: np.ndarray, branches: Sequence[Branch], lines: np.ndarray, label: str) -> None:
    """Refuse points of trees that cannot be; the diameters of contours mean nothing."""
    in_tree = np.zeros(len(points), bool)
    for branch in branches:
        in_tree[branch.first : branch.stop] = True
    values = points * [1.0, 1.0, 1.0, 0.5]
    values[~in_tree, 3] = 1.0
    check_values(values, lambda row: f"{label}:{lines[row]}", remedy="correct it")


def _soma_contours(contours: Sequence[Contour]) -> list[Contour]:
    """Contours of somata: by their names, else by a property that says so."""
    named = [contour for contour in contours if contour.named_soma]
    marked = [contour for contour in contours if "cellbody" in contour.properties]
    return named or marked


def _warn_of_few_points(contour: Contour, source: str) -> None:
    """Tell of a soma that is left out, as NEURON leaves it out."""
    count = contour.stop - contour.first
    warnings.warn(
        f"the soma's contour of {count} point{'s' * (count != 1)} encloses nothing and is left "
        f"out, as NEURON does [{source}]; draw {FEWEST_CONTOUR_POINTS} points or more",
        LfpWarning,
        stacklevel=3,
    )


def _somata(
    contours: Sequence[Contour], points: np.ndarray, lines: np.ndarray, label: str
) -> list[_Soma]:
    somata: list[_Soma] = []
    for contour in contours:
        outline = points[contour.first : contour.stop, :3]
        if somata and somata[-1].overlaps(outline):
            somata[-1].contours.append(outline)
            continue
        piece = _Piece(type=SOMA, points=np.empty((0, 4)), lines=lines[[contour.first]])
        somata.append(_Soma(piece, [outline]))
    for soma in somata:
        source = f"{label}:{soma.piece.lines[0]}"
        _check_extent(soma, source)
        if len(soma.contours) > 1:
            soma.piece.points = stacked_soma(soma.contours)
        else:
            soma.piece.points = single_soma(soma.contours[0])
        _check_shape(soma.piece.points, source)
        soma.piece.lines = np.repeat(soma.piece.lines, len(soma.piece.points))
    return somata


def _check_extent(soma: _Soma, source: str) -> None:
    for outline in soma.contours:
        if not np.ptp(outline[:, :2], axis=0).any():
            raise InputError("contour of the soma has no extent", source=source, remedy=REMEDY)


def _check_shape(points: np.ndarray, source: str) -> None:
    extent = np.linalg.norm(np.diff(points[:, :3], axis=0), axis=1).sum()
    if not (np.all(points[:, 3] > 0) and extent > 0):
        raise InputError("contour of the soma encloses nothing", source=source, remedy=REMEDY)


def _pieces(branches: Sequence[Branch], points: np.ndarray, lines: np.ndarray) -> list[_Piece]:
    """Return branches with the parent's last point before their own, unless they begin there."""
    pieces: list[_Piece] = []
    for branch in branches:
        drawn = points[branch.first : branch.stop]
        piece = _Piece(type=branch.type, points=drawn, lines=lines[branch.first : branch.stop])
        if branch.parent >= 0:
            piece.parent = pieces[branch.parent]
            end = piece.parent.points[-1, :3]
            if np.any(np.abs(end - drawn[0, :3]) > EPSILON):
                piece.points = np.vstack([np.append(end, drawn[0, 3]), drawn])
                piece.lines = np.append(piece.lines[0], piece.lines)
        pieces.append(piece)
    return pieces


def _join_roots(roots: Sequence[_Piece], somata: Sequence[_Soma]) -> None:
    """Hang trees on somata by wires."""
    if not somata:
        return
    middles = np.array([soma.middle() for soma in somata])
    for root in roots:
        begin = root.points[0, :3]
        inside = [k for k, soma in enumerate(somata) if soma.holds(begin)]
        nearest = int(np.argmin(np.linalg.norm(middles - begin, axis=1)))
        index = inside[0] if inside else nearest
        root.parent = somata[index].piece
        root.parent_x = 0.5
        root.wire = middles[index]


def _without_vanishing(pieces: Sequence[_Piece]) -> list[_Piece]:
    vanished = {id(piece) for piece in pieces if piece.vanishes}
    # parents come before their children, so one pass reaches past any number of them
    for piece in pieces:
        parent = piece.parent
        if parent is not None and id(parent) in vanished:
            piece.parent, piece.parent_x = parent.parent, parent.parent_x
    return [piece for piece in pieces if id(piece) not in vanished]


def _sections(pieces: Sequence[_Piece]) -> list[Section]:
    """Return sections, type by type, with the digits in which NEURON passes points on."""
    ordered = sorted(pieces, key=lambda piece: piece.type)
    for index, piece in enumerate(ordered):
        piece.index = index
    names = numbered([piece.type for piece in ordered])
    sections = []
    for piece, name in zip(ordered, names, strict=True):
        wire = None
        if piece.wire is not None:
            x, y, z = rounded(piece.wire).tolist()
            wire = (x, y, z)
        points = piece.points if len(piece.points) > 1 else cylinder(piece.points[0])
        sections.append(
            Section(
                name=name,
                type=piece.type,
                points=rounded(points),
                parent=-1 if piece.parent is None else piece.parent.index,
                parent_x=piece.parent_x,
                wire=wire,
                lines=piece.lines if len(points) == len(piece.lines) else piece.lines[[0, 0, 0]],
            )
        )
    return sections
