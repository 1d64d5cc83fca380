"""Probes in tissue whose conductivity depends on frequency, through the commands."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from lfpcli.forward.dispersion import TISSUES, Mixture, Ratio
from lfpcli.io.recording import open_recording

CONTACTS = ("--contacts", "60,0,300")
GREY = 'tissue="grey matter"'


def signal(lfp, run: Path, out: Path, *options: object) -> tuple[np.ndarray, float, dict]:
    lfp("probe", run, *CONTACTS, "-o", out, "-f", *options)
    with open_recording(out) as recording:
        found = recording.signal("LFP")
        return found.data[()], found.dt, found.parameters


def test_one_ratio_is_a_filter_of_the_signal(lfp, run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.h5"
    plain, dt, _ = signal(lfp, run, out)
    resistor, _, _ = signal(lfp, run, out, "--dispersion", "exponent=0, at=100")
    assert resistor == pytest.approx(plain, rel=1e-9, abs=1e-12)
    grey, _, parameters = signal(lfp, run, out, "--dispersion", GREY)
    expected = Mixture(first=Ratio(dispersion=TISSUES["grey matter"], reference=0.3))
    assert grey == pytest.approx(expected.mixed(plain, dt), rel=1e-9)
    assert np.abs(grey).max() > 2 * np.abs(plain).max()
    assert parameters["dispersion"] == {"tissue": "grey matter"} and "sigma" not in parameters
    # filters of the instrument come after the tissue
    treated, _, _ = signal(lfp, run, out, "--dispersion", GREY, "--resample", 2 * dt)
    assert len(treated) == (len(grey) + 1) // 2


def test_two_dispersions_leave_one_signal(lfp, run: Path, tmp_path: Path) -> None:
    out, medium = tmp_path / "out.h5", "slice=3000, z_shift=-1500"
    options = ("--medium", medium, "--per", "population")
    plain, _, _ = signal(lfp, run, tmp_path / "plain.h5", *options)
    found, _, _ = signal(lfp, run, out, *options, "--dispersion", GREY)
    with h5py.File(out) as file, h5py.File(tmp_path / "plain.h5") as other:
        assert list(file["signals"]) == list(other["signals"])
        group = file["signals/LFP"]
        assert list(group) == list(other["signals/LFP"])
        shares = sum(share[()] for share in group["groups"].values())
    assert found.shape == plain.shape and shares == pytest.approx(found, rel=1e-6, abs=1e-12)
    # no part of the mixture is left in the file
    assert out.stat().st_size < 1.2 * (tmp_path / "plain.h5").stat().st_size
    assert np.abs(plain - found).max() > 0.1 * np.abs(found).max()
    assert "signals" in lfp("check", out).out


def test_spike_templates_take_one_ratio(lfp, run: Path, tmp_path: Path) -> None:
    places = tmp_path / "places.csv"
    places.write_text("x,y,z\n-20,10,250\n")
    options = ("--cell", 1, "--placements", places, *CONTACTS, "-f", "-o", tmp_path / "t.h5")
    templates = []
    for more in ((), ("--dispersion", "exponent=0.2, at=100")):
        lfp("probe", run, *options, *more)
        with h5py.File(tmp_path / "t.h5") as file:
            templates.append(file["templates"][()])
    # what is faster than 100 Hz meets a better conductor
    assert np.abs(templates[1]).max() < 0.9 * np.abs(templates[0]).max()
    more = ("--dispersion", GREY, "--medium", "slice=3000, z_shift=-1500")
    got = lfp("probe", run, *options, *more, code=3)
    assert "ways of their own, which templates of one cell cannot have" in got.err


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (["--dispersion", "exponent=0.1"], "say at which frequency sigma holds"),
        (["--dispersion", 'tissue="grey"'], "grey"),
        (["--dispersion", f"{GREY}, exponent=0.1, at=9"], "'tissue' and 'exponent'"),
        (["--dispersion", f"{GREY}, low=9"], "low"),
        (["--dispersion", GREY, "--sigma", "0.2"], "conductivities of its own beside 'sigma'"),
        (["--dispersion", GREY, "--medium", "regions=[]"], "as the regions have"),
        (
            ["--medium", f"regions=[{{slab={{high=0}}, sigma=1, dispersion={{{GREY}}}}}]"],
            "'sigma' and a dispersion",
        ),
        (
            ["--medium", f"regions=[{{slab={{high=0}}, sigma=0, dispersion={{{GREY}}}}}]"],
            "is of what conducts",
        ),
    ],
)
def test_what_cannot_be_is_told(lfp, run: Path, tmp_path: Path, options, fault: str) -> None:
    out = tmp_path / "none.h5"
    got = lfp("probe", run, *CONTACTS, *options, "-o", out, code=3)
    assert fault in got.err and got.err.count("\n") == 1 and not out.exists()


def test_lead_fields_take_the_dispersion_of_the_probe_alone(lfp, run: Path, tmp_path: Path) -> None:
    medium = "regions=[{slab={high=-1500}, sigma=0}], tolerance=0.1"
    lead, out = tmp_path / "lead.h5", tmp_path / "out.h5"
    lfp("leadfield", "60,0,300", "--medium", medium, "-o", lead)
    power = ("--dispersion", "exponent=0.2, at=100")
    lfp("probe", run, "--lead-field", lead, *power, "-o", out)
    with open_recording(out) as recording:
        by_file = recording.signal("LFP").data[()]
    stated, _, _ = signal(lfp, run, tmp_path / "stated.h5", "--medium", medium, *power)
    assert np.array_equal(by_file, stated)
    own = f"regions=[{{slab={{high=-1500}}, dispersion={{{GREY}}}}}]"
    got = lfp("leadfield", "60,0,300", "--medium", own, "-o", tmp_path / "n.h5", code=3)
    assert (
        "whose conductivity depends on frequency, which only a [[probe]] or a [[field]] heeds"
        in got.err
    )
