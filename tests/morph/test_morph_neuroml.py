"""NeuroML: sections, several cells, and biophysics read and applied."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lfpcli.errors import InputError
from lfpcli.morphology.biophysics import read_biophysics
from lfpcli.morphology.neuroml import read_neuroml

HEAD = '<neuroml xmlns="http://www.neuroml.org/schema/neuroml2" id="n">'
SEGMENTS = """
<segment id="0"><proximal x="0" y="0" z="0" diameter="20"/>
 <distal x="0" y="0" z="20" diameter="20"/></segment>
<segment id="1"><parent segment="0"/><proximal x="0" y="0" z="20" diameter="2"/>
 <distal x="0" y="0" z="120" diameter="1.5"/></segment>
<segment id="2"><parent segment="1"/><proximal x="0" y="0" z="120" diameter="1"/>
 <distal x="0" y="50" z="170" diameter="1"/></segment>
<segment id="3"><parent segment="1"/><distal x="0" y="-50" z="170" diameter="1"/></segment>
<segment id="4"><parent segment="3"/><distal x="0" y="-90" z="170" diameter="1"/></segment>
<segmentGroup id="soma_group"><member segment="0"/></segmentGroup>
<segmentGroup id="dendrite_group"><member segment="1"/><member segment="2"/><member segment="3"/>
 <include segmentGroup="far"/></segmentGroup>
<segmentGroup id="far"><member segment="4"/></segmentGroup>
"""
BIOPHYSICS = """
<biophysicalProperties id="b"><membraneProperties>
<channelDensity id="leak" ionChannel="pas" condDensity="0.1 mS_per_cm2" erev="-65 mV"
 ion="non_specific"/>
<channelDensity id="na" ionChannel="hh" segmentGroup="far" condDensity="12 mS_per_cm2" erev="0.05 V"
 ion="na"/>
<specificCapacitance value="2 uF_per_cm2"/>
<specificCapacitance value="0.03 F_per_m2" segmentGroup="far"/>
<initMembPotential value="-60 mV"/><spikeThresh value="0 mV"/>
</membraneProperties><intracellularProperties><resistivity value="0.2 kohm_cm"/>
</intracellularProperties></biophysicalProperties>
"""


def cell(name: str, biophysics: str = "", segments: str = SEGMENTS) -> str:
    return f'<cell id="{name}"><morphology id="m">{segments}</morphology>{biophysics}</cell>'


def write(folder, text: str):
    path = folder / "cell.nml"
    path.write_text(f"{HEAD}{text}</neuroml>")
    return path


def test_segments_that_continue_each_other_are_a_section(tmp_path):
    plain = read_neuroml(write(tmp_path, cell("c")))
    assert [s.name for s in plain.sections] == ["soma[0]", "dend[0]", "dend[1]", "dend[2]"]
    # each branch begins with its own diameter, or where none is given with its parent's
    assert [s.points[0, 3] for s in plain.sections] == [20, 2, 1, 1.5]
    assert plain.sections[3].points[:, 1].tolist() == [0, -50, -90]
    assert [s.parent for s in plain.sections] == [-1, 0, 1, 1]


def test_sections_end_where_biophysics_change(tmp_path):
    shape = read_neuroml(write(tmp_path, cell("c", BIOPHYSICS)))
    assert [s.name for s in shape.sections] == [
        "soma[0]",
        "dend[0]",
        "dend[1]",
        "dend[2]",
        "dend[3]",
    ]
    assert shape.biophysics is not None
    assert shape.biophysics.sections["far"] == ("dend[3]",)
    assert [s.cm for s in shape.sections] == [2, 2, 2, 2, 3]
    assert {s.Ra for s in shape.sections} == {200}
    assert shape.notes == ("left out: 1 x spikeThresh",)


def test_biophysics_are_applied_to_sections(neuron_process, tmp_path):
    path = write(tmp_path, cell("c", BIOPHYSICS))

    def model(results, path) -> None:
        from lfpcli.runtime.morphology.reading import load_sections

        sections = load_sections(path).sections
        results["Ra"] = [s.Ra for s in sections]
        results["cm"] = [s.cm for s in sections]
        results["g"] = [s(0.5).pas.g for s in sections]
        results["e"] = [s(0.5).pas.e for s in sections]
        far = sections[4]
        results["far"] = [far(0.5).hh.gnabar, far.ena, sections[3].has_membrane("hh")]

    applied = neuron_process(
        model,
        path=str(path),
    )
    assert np.allclose(applied["Ra"], 200)
    assert np.allclose(applied["cm"], [2, 2, 2, 2, 3])
    assert np.allclose(applied["g"], 1e-4)
    assert np.allclose(applied["e"], -65)
    assert np.allclose(applied["far"], [0.012, 50, 0])


def test_a_run_uses_the_biophysics_of_its_file(lfp, tmp_path):
    # the leak is at -65 mV, the run begins at the -60 mV of the file
    path = write(tmp_path, cell("c", BIOPHYSICS.replace("hh", "pas").replace("-65 mV", "-61 mV")))
    out = tmp_path / "out.h5"
    err = lfp("sim", path, "--tstop", "1", "--seed", "1", "-o", out).err
    assert "v_init = -60" in err
    assert "left out: 1 x spikeThresh" in err
    facts = json.loads(lfp("morph", path, "--json").out)
    population = next(iter(json.loads(lfp("info", out, "--json").out)["populations"].values()))
    assert facts["total"]["segments"] == population["segments"]
    assert facts["total"]["area_um2"] == pytest.approx(population["area_um2"], abs=2e-3)


def test_a_cell_is_chosen_by_its_id(lfp, tmp_path):
    short = SEGMENTS[: SEGMENTS.index('<segment id="2">')]
    short += '<segmentGroup id="soma_group"><member segment="0"/></segmentGroup>'
    path = write(tmp_path, cell("long") + cell("short", segments=short))
    with pytest.raises(InputError, match="holds 2 cells: long, short") as caught:
        read_neuroml(path)
    assert caught.value.remedy is not None and "--cell" in caught.value.remedy
    assert len(read_neuroml(path, cell_id="short").sections) == 2
    with pytest.raises(InputError, match="holds no cell 'shor'"):
        read_neuroml(path, cell_id="shor")
    assert json.loads(lfp("morph", path, "--cell", "long", "--json").out)["total"]["sections"] == 4
    lfp("sim", path, "--set", 'cell.cell.cell_id="short"', "--passive", "--tstop", "1",
        "--seed", "1", "-o", tmp_path / "out.h5")  # fmt: skip


def test_biophysics_without_a_morphology(tmp_path):
    path = write(
        tmp_path,
        '<concentrationModel id="Ca" type="CaDynamics" minCai="1e-4 mM" decay="0.5 s"'
        ' depth="0.1 um" gamma="0.01" ion="ca"/><cell id="c"><biophysicalProperties id="b">'
        '<membraneProperties><channelDensityNernst id="x" ionChannel="Ca_HVA" ion="ca"'
        ' condDensity="1 S_per_m2" segmentGroup="soma"/></membraneProperties>'
        '<intracellularProperties><species id="ca" ion="ca" concentrationModel="Ca"'
        ' initialConcentration="1e-4 mM" initialExtConcentration="2 mM" segmentGroup="soma"/>'
        "</intracellularProperties></biophysicalProperties></cell>",
    )
    biophysics = read_biophysics(path)
    (channel,) = biophysics.channels
    assert (channel.name, channel.group, channel.reversal) == ("Ca_HVA", "soma", None)
    assert channel.density == pytest.approx(1e-4)
    (species,) = biophysics.species
    assert (species.model, species.inside, species.outside) == ("CaDynamics", 1e-4, 2)
    assert species.parameters == {"minCai": 1e-4, "decay": 500, "depth": 0.1, "gamma": 0.01}
    with pytest.raises(InputError, match="holds no morphology"):
        read_neuroml(path)


def test_biophysics_beside_their_cell(tmp_path):
    other = BIOPHYSICS.replace('id="b"', 'id="other"')
    inside = read_biophysics(write(tmp_path, cell("c", BIOPHYSICS)))
    # the only ones, or those that the cell names
    for text in (
        f'<cell id="c"/>{BIOPHYSICS}',
        f'{other.replace("pas", "hh")}<cell id="c" biophysicalProperties="b"/>{BIOPHYSICS}',
    ):
        read = read_biophysics(write(tmp_path, text))
        assert read.channels == inside.channels and read.capacitances == inside.capacitances
    for text in (
        f'<cell id="c"/>{other}{BIOPHYSICS}',
        f'<cell id="c" biophysicalProperties="lost"/>{BIOPHYSICS}',
    ):
        with pytest.raises(InputError, match="holds no biophysics"):
            read_biophysics(write(tmp_path, text))


def test_a_unit_behind_what_has_none_is_no_part_of_it(tmp_path):
    path = write(
        tmp_path,
        '<concentrationModel id="Ca" type="CaDynamics" gamma="0.01 ms" ion="ca"/><cell id="c">'
        '<biophysicalProperties id="b"><intracellularProperties><species id="ca" ion="ca"'
        ' concentrationModel="Ca"/></intracellularProperties></biophysicalProperties></cell>',
    )
    (species,) = read_biophysics(path).species
    assert species.parameters == {"gamma": 0.01}


@pytest.mark.parametrize(
    ("old", "new", "message", "source"),
    [
        ("0.1 mS_per_cm2", "0.1 mS", "'0.1 mS' is no conductance density", "channelDensity leak"),
        (
            "0.1 mS_per_cm2",
            "-1 S_per_m2",
            "density of '-1 S_per_m2' cannot be",
            "channelDensity leak",
        ),
        ("0.1 mS_per_cm2", "x mS_per_cm2", "'x' is not a number", "channelDensity leak"),
        ('ionChannel="pas"', "", "'ionChannel' is missing", "channelDensity leak"),
        ('"0.2 kohm_cm"', '"0.2"', "is no resistivity", "resistivity"),
        ('segmentGroup="far" cond', 'segmentGroup="near" cond', "group 'near' that does not", None),
    ],
)
def test_wrong_biophysics_are_refused_with_their_element(tmp_path, old, new, message, source):
    text = cell("c", BIOPHYSICS)
    assert old in text
    path = write(tmp_path, text.replace(old, new))
    with pytest.raises(InputError) as caught:
        read_neuroml(path)
    assert message in caught.value.message
    assert caught.value.source == (str(path) if source is None else f"{path}:{source}")
    assert caught.value.remedy
