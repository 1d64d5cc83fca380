"""Compiled mechanisms that are not this user's own, or not as they were compiled."""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path

import pytest

from lfpcli.errors import OutputError, SimulatorError
from lfpcli.runtime.mechanisms.library import MANIFEST
from lfpcli.runtime.mechanisms.store import built_once
from lfpcli.runtime.mechanisms.trust import check_trusted, digest_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of the cache with a library."""
    folder = tmp_path / "cache" / "key"
    folder.mkdir(parents=True, mode=0o755)
    library = folder / "libnrnmech.so"
    library.write_bytes(b"code")
    manifest = {"digests": {library.name: digest_of(library)}}
    (folder / MANIFEST).write_text(json.dumps(manifest))
    for path in (folder.parent, folder):
        path.chmod(0o755)
    library.chmod(0o644)
    return folder


def test_what_is_ones_own_is_trusted(folder: Path) -> None:
    check_trusted(folder, MANIFEST)
    # everybody may make folders here, but nobody may touch those of others
    folder.parent.chmod(0o1777)
    check_trusted(folder, MANIFEST)


@pytest.mark.parametrize("part", ["..", ".", "libnrnmech.so"])
def test_what_others_can_write_is_refused(folder: Path, part: str) -> None:
    path = folder / part
    path.chmod(0o777)
    with pytest.raises(SimulatorError, match=r"others can change.*; chmod go-w"):
        check_trusted(folder, MANIFEST)


def test_folders_above_the_cache_are_closed(folder: Path) -> None:
    folder.parent.parent.chmod(0o777)
    with pytest.raises(SimulatorError, match=r"others can replace the cache.*; chmod o-w"):
        check_trusted(folder, MANIFEST)
    folder.parent.parent.chmod(0o1777)
    check_trusted(folder, MANIFEST)


def test_a_build_into_an_open_folder_is_not_loaded(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    module = importlib.import_module("lfpcli.runtime.mechanisms.build")
    monkeypatch.setattr(module, "built_once", lambda *arguments, **options: None)
    monkeypatch.setattr(module, "cache_folder", lambda: folder.parent)
    monkeypatch.setattr(module, "build_key", lambda *arguments: folder.name)
    monkeypatch.setattr(module, "read_library", lambda target: None)
    folder.chmod(0o777)
    source = tmp_path / "leak.mod"
    source.write_text("NEURON { SUFFIX leak }")
    with pytest.raises(SimulatorError, match="others can change"):
        module.build([source])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("part", ["..", ".", "libnrnmech.so"])
def test_what_others_own_is_refused(folder: Path, part: str) -> None:
    os.chown(folder / part, 12345, 12345)
    with pytest.raises(SimulatorError, match=r"belong to another user.*LFP_MECH_CACHE"):
        check_trusted(folder, MANIFEST)


def test_what_was_changed_is_refused(folder: Path) -> None:
    (folder / "libnrnmech.so").write_bytes(b"mode")
    with pytest.raises(SimulatorError, match="was changed after it was compiled"):
        check_trusted(folder, MANIFEST)


def test_what_cannot_be_published_is_told_with_its_reason(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    # any failure of a copy does, as a full disk is one
    (work / "libnrnmech.so").symlink_to("nowhere")
    with pytest.raises(OutputError, match=r"cannot be written: .*No such file.*LFP_MECH_CACHE"):
        built_once(tmp_path / "cache" / "key", lambda folder: None, lambda _: work, subject="x")
    assert not list((tmp_path / "cache").glob("unfinished*"))
