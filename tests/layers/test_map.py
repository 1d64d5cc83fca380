"""The map of the house shows what is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
MAP = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def test_every_file_on_the_map_is_there() -> None:
    paths = {text for text in re.findall(r"`([\w/]+\.py)`", MAP) if "/" in text}
    assert len(paths) > 25
    missing = [
        path
        for path in sorted(paths)
        if not (ROOT / path).exists() and not (ROOT / "lfpcli" / path).exists()
    ]
    assert not missing
    names = {path.name for path in ROOT.glob("lfpcli/**/*.py")}
    assert set(re.findall(r"`(\w+\.py)`", MAP)) <= names


def test_every_room_is_on_the_map() -> None:
    rooms = {path.parent.name for path in ROOT.glob("lfpcli/*/__init__.py")}
    shown = set(re.findall(r"^      (\w+)/", MAP, flags=re.MULTILINE))
    assert shown == rooms
    plain = {path.name for path in ROOT.glob("lfpcli/*.py")} - {"__init__.py", "__main__.py"}
    assert plain <= set(re.findall(r"\w+\.py", MAP))
