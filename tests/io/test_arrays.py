"""Electrode arrays by name, from files of each kind, and from lists."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sources import program

from lfpcli.errors import InputError, LfpWarning, OutputError, UsageError
from lfpcli.forward.transforms import rotation_matrix
from lfpcli.io.arrays import array_files, load_contacts
from lfpcli.io.probeinterface import write_probeinterface

Write = Callable[[str, str], Path]


def tell_meautility() -> None:
    import warnings

    warnings.simplefilter("ignore")
    import MEAutility as mu

    probes = {name: mu.return_mea(name) for name in mu.return_mea_list()}
    facts = {
        name: [probe.positions.tolist(), probe.size, probe.shape, probe.main_axes.tolist()]
        for name, probe in probes.items()
    }
    print(json.dumps(facts))


def list_and_load() -> None:
    import sys

    array_files()
    load_contacts("Neuropixels-128")
    print("MEAutility" in sys.modules, "matplotlib" in sys.modules)


@pytest.fixture(scope="module")
def meautility() -> dict[str, list]:
    """Positions, sizes, shapes and planes of MEAutility's arrays, by name."""
    done = subprocess.run(
        [sys.executable, "-c", program(tell_meautility)],
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write_file


def test_every_array_of_meautility_is_where_it_says(meautility: dict[str, list]) -> None:
    assert set(meautility) <= set(array_files())
    for name, (positions, size, shape, axes) in meautility.items():
        contacts = load_contacts(name, radius="array")
        np.testing.assert_allclose(contacts.positions, positions, rtol=0, atol=1e-10)
        assert (contacts.radius, contacts.shape, contacts.name) == (size, shape, name)
        first, second = contacts.frames()
        np.testing.assert_array_equal(first, np.broadcast_to(axes[0], first.shape))
        np.testing.assert_array_equal(second, np.broadcast_to(axes[1], second.shape))
        np.testing.assert_array_equal(contacts.normals, np.cross(first, second))


def test_rotations_are_exact_where_meautility_rounds() -> None:
    plain = load_contacts("Neuropixels-384")
    turned = load_contacts("Neuropixels-384", rotate={"x": 33.0, "z": 12.0}, shift=(30.0, 0.0, 1.5))
    turn = rotation_matrix({"x": 33.0, "z": 12.0})
    np.testing.assert_allclose(
        turned.positions, plain.positions @ turn.T + [30.0, 0.0, 1.5], rtol=0, atol=1e-10
    )
    assert plain.normals is not None and turned.normals is not None
    np.testing.assert_allclose(turned.normals, plain.normals @ turn.T, rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", ["tetrode-mea-l", "monotrode"])
def test_linear_and_single_arrays_keep_their_normals_when_turned(name: str) -> None:
    turned = load_contacts(name, rotate={"y": 30.0}, radius="array")
    assert turned.normals is not None
    np.testing.assert_allclose(np.linalg.norm(turned.normals, axis=1), 1.0, rtol=1e-14)


def test_contacts_are_points_unless_a_size_is_asked_for() -> None:
    assert not load_contacts("Neuropixels-24").has_face
    assert not load_contacts("Neuropixels-24", radius=0.0).has_face
    sized = load_contacts("Neuropixels-24", radius=7.5)
    assert (sized.radius, sized.shape) == (7.5, "square")
    other = load_contacts("Neuropixels-24", radius=np.float32(2.5), shape="circle")  # type: ignore[arg-type]
    assert (other.radius, other.shape) == (2.5, "circle")


def test_a_given_normal_replaces_the_definitions_and_turns_with_the_array() -> None:
    contacts = load_contacts("tetrode", normal=(0.0, 2.0, 0.0), rotate={"z": 90.0})
    np.testing.assert_array_equal(contacts.normals, np.tile([-1.0, 0.0, 0.0], (4, 1)))


def test_listing_and_loading_import_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-c", program(list_and_load)], check=True, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("False False\n", "")


def test_unknown_name_names_the_nearest() -> None:
    with pytest.raises(
        InputError, match=r"no array 'Neuropixel-128'; did you mean 'Neuropixels-128"
    ):
        load_contacts("Neuropixel-128")


def test_own_folder_is_searched_and_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "lfp" / "arrays"
    folder.mkdir(parents=True)
    (folder / "tetrode.csv").write_text("1,2,3\n")
    (folder / "mine.yaml").write_text("{dim: 2, pitch: 10, size: 1}")
    (folder / "mine.csv").write_text("1,2,3\n")
    (folder / "notes.md").write_text("no array")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert "mine" in array_files() and "notes" not in array_files()
    assert array_files()["mine"] == folder / "mine.yaml"
    assert len(load_contacts("mine")) == 4
    contacts = load_contacts("tetrode")
    np.testing.assert_array_equal(contacts.positions, [[1.0, 2.0, 3.0]])
    assert contacts.name == "tetrode"


@pytest.mark.parametrize(
    "text",
    [
        "0,0,-10\n0,0,10.5\n",
        "x,y,z\n0,0,-10\n0,0,10.5\n",
        "# made by hand\n\nz, x, y\n-10, 0, 0\n\n10.5, 0, 0\n",
        "channel x_pos y_pos z_pos\n0 0.0 0.0 -10.0\n1 0.0 0.0 10.5\n",
        "x_pos\ty_pos\tz_pos\n0\t0\t-10\n0\t0\t10.5\n",
        "0 0  -10\r\n0   0 10.5",
        "\ufeffx;y;z\n0;0;-1e1\n0;0;1.05e1\n",
    ],
)
def test_tables_of_every_kind(write: Write, text: str) -> None:
    contacts = load_contacts(write("two.csv", text))
    np.testing.assert_array_equal(contacts.positions, [[0.0, 0.0, -10.0], [0.0, 0.0, 10.5]])
    assert contacts.normals is None and not contacts.has_face and contacts.name == "two"


def test_table_with_normals_radius_and_ids(write: Write) -> None:
    text = 'id,x,y,z,nx,ny,nz,radius\n"a, b",1,2,3,0,0,2,7.5\nc,4,5,6,1,0,0,7.5\n'
    contacts = load_contacts(write("full.csv", text))
    assert contacts.ids == ["a, b", "c"] and contacts.radius == 7.5
    np.testing.assert_array_equal(contacts.normals, [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    assert load_contacts(write("full.csv", text), radius=0.0).has_face is False
    headless = load_contacts(write("six.txt", "1 2 3 0 1 0\n"))
    np.testing.assert_array_equal(headless.normals, [[0.0, 1.0, 0.0]])


def test_table_warns_of_columns_that_it_does_not_use(write: Write) -> None:
    path = write("extra.csv", "x,y,z,radus\n1,2,3,4\n")
    with pytest.warns(LfpWarning, match=r"column 'radus' is not used \[.*extra.csv:1\]"):
        load_contacts(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2\n", r"2 columns without a header, expected 3 or 6 \[.*bad.csv:1\]; give x,y,z"),
        ("1,2,3\n4,5\n", r"2 columns, expected 3 .*bad.csv:2\]"),
        ("# a\n\n1,2,3\n4,five,6\n", r"y is 'five', expected a finite number \[.*bad.csv:4\]"),
        ("1,2,3\n4,5,nan\n", r"z is 'nan'.*bad.csv:2\]"),
        ("1,2,3\n4,5,1e999\n", r"z is '1e999'.*bad.csv:2\]"),
        ("1,2,3\n4,,6\n", r"y is ''.*bad.csv:2\]"),
        ("1,two,3\n", r"y is 'two'.*bad.csv:1\]"),
        ("x,y\n1,2\n", r"table has no column z \[.*bad.csv:1\]"),
        ("x,y,z,x_pos\n1,2,3,4\n", r"two columns give x"),
        ("x,y,z,nx\n1,2,3,4\n", "three columns nx, ny and nz"),
        ("x,y,z,nx,ny,nz\n1,2,3,0,0,1\n1,2,3,0,0,0\n", r"zero vector \[.*bad.csv:3\]"),
        ("x,y,z,r\n1,2,3,4\n1,2,3,5\n", r"radius is 5 um, that of the contacts before 4.*csv:3\]"),
        ("x,y,z,r\n1,2,3,-4\n", r"radius is -4 um \[.*bad.csv:2\]"),
        ("x,y,z\n", "a header and no contacts"),
        ("# nothing\n", "holds no contacts"),
        ("", "file is empty"),
        ("a\0b", "zero byte"),
        (f"x,y,z\n1,2,{'3' * 200_000}\n", r"field larger than field limit.*bad.csv:2\]"),
    ],
)
def test_bad_tables(write: Write, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_contacts(write("bad.csv", text))


def test_table_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "binary.csv"
    path.write_bytes(b"1,2,3\n\xff\xfe\n")
    with pytest.raises(InputError, match="byte 6 is not UTF-8"):
        load_contacts(path)


@pytest.mark.parametrize("name", ["none.csv", "none.yaml", "none.json", "./none"])
def test_missing_files(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="no such"):
        load_contacts(f"{tmp_path}/{name}")


def test_file_without_a_known_suffix_is_a_table(write: Write) -> None:
    assert len(load_contacts(str(write("contacts", "1,2,3\n")))) == 1


@pytest.mark.parametrize(
    ("text", "positions"),
    [
        ("{pos: [[1, 2, 3]], center: false}", [[1, 2, 3]]),
        ("{pos: [1, 2], plane: xz, offset: 5, center: false}", [[1, 5, 2]]),
        ("{pos: [[0, 0], [2, 4]], plane: xy}", [[-1, -2, 0], [1, 2, 0]]),
        ("{dim: 1, size: 3}", [[0, 0, 0]]),
        (
            "{dim: [1, 2, 1], pitch: [32, 16], stagger: -16}",
            [[0, -16, 0], [0, 0, -16], [0, 0, 16], [0, 16, 0]],
        ),
        (
            "{dim: [2, 2], pitch: 10, stagger: [0, 4]}",
            [[0, -5, -7], [0, -5, 3], [0, 5, -3], [0, 5, 7]],
        ),
        (
            "{pos: [[0, 0, 0], [0, 0, 3], [0, 0, 6]], sortlist: [2, 0, 1]}",
            [[0, 0, 0], [0, 0, 3], [0, 0, -3]],
        ),
    ],
)
def test_definitions(write: Write, text: str, positions: list[list[float]]) -> None:
    contacts = load_contacts(write("array.yaml", text))
    np.testing.assert_allclose(contacts.positions, positions, rtol=0, atol=1e-12)


def test_rect_faces_are_along_the_axes_of_the_plane(write: Write) -> None:
    text = "{dim: [2, 1], pitch: 20, size: [3, 8], shape: rect, plane: xz}"
    contacts = load_contacts(write("rect.yml", text), radius="array")
    assert contacts.face_half_sides == (3.0, 8.0)
    first, second = contacts.frames()
    np.testing.assert_array_equal(first[0], [1.0, 0.0, 0.0])
    np.testing.assert_array_equal(second[0], [0.0, 0.0, 1.0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- 1\n- 2\n", "holds no keys"),
        ("a: [1\nb: 2\n", r"is no YAML.*bad.yaml:2\]"),
        ("!!python/object/apply:os.system ['true']", r"is no YAML.*bad.yaml:1\]"),
        ("[" * 5000, "is no YAML"),
        ("{size: 3}", "neither 'pos' nor 'dim'"),
        ("{dim: 4}", "'dim' and no 'pitch'"),
        ("{dim: 4, pitch: wide}", "pitch is 'wide'"),
        ("{dim: 4, pitch: .nan}", "pitch is 'nan'"),
        (f"{{dim: 4, pitch: 1{'0' * 400}}}", "pitch is '1000"),
        ("{dim: 4, pitch: [1, 2, 3]}", "'pitch' has 3 numbers"),
        ("{dim: 0, pitch: 1}", "'dim' is 0"),
        ("{dim: [5], pitch: 1}", r"'dim' is \[5\]"),
        ("{dim: 2.5, pitch: 1}", "'dim' is 2.5"),
        ("{dim: 1000000, pitch: 1}", "expected at most 1000000"),
        ("{dim: [2, 3], pitch: 1, stagger: [1, 2]}", "'stagger' has 2 numbers for 3 columns"),
        ("{pos: [[1, 2], [1, 2, 3]]}", "'pos' of contact 1"),
        ("{pos: [[1], [2]]}", "'pos' of contact 0"),
        ("{pos: [[1, x]]}", "'pos' of contact 0 is 'x'"),
        ("{pos: []}", "'pos' lists 0 contacts"),
        ("{pos: [[1, 2]], plane: zz}", "plane is 'zz'"),
        ("{pos: [[1, 2]], shape: star}", "shape is 'star'"),
        ("{pos: [[1, 2], [3, 4]], sortlist: [0, 0]}", "'sortlist' is no order"),
        ("{pos: [[1, 2]], size: -3}", "'size' is -3"),
        ("{pos: [[1, 2]], size: 3, shape: rect}", "'size' of rect"),
    ],
)
def test_bad_definitions(write: Write, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        load_contacts(write("bad.yaml", text), radius="array")
    assert "bad.yaml" in str(caught.value.source)


def test_aliases_that_expand_without_end_are_refused_at_once(write: Write) -> None:
    levels = [f"k{n}: &k{n} [{', '.join([f'*k{n - 1}'] * 9)}]" for n in range(1, 30)]
    text = "\n".join(["k0: &k0 [1, 2, 3]", *levels, "pos: *k29"])
    with (
        pytest.raises(InputError, match="'pos' of contact 0"),
        pytest.warns(LfpWarning, match="is not used"),
    ):
        load_contacts(write("bomb.yaml", text))


def test_definition_warns_of_keys_that_it_does_not_use(write: Write) -> None:
    path = write("typo.yaml", "{dim: 2, pitch: 3, stager: 4}")
    with pytest.warns(LfpWarning, match="'stager' of an array is not used; did you mean 'stagger'"):
        load_contacts(path)


def test_probeinterface_there_and_back(tmp_path: Path) -> None:
    array = load_contacts(
        "Neuronexus-32", radius="array", rotate={"x": 20.0, "z": 5.0}, shift=(1.0, 2.0, 3.0)
    )
    write_probeinterface(array, tmp_path / "probe.json")
    back = load_contacts(tmp_path / "probe.json", radius="array")
    np.testing.assert_array_equal(back.positions, array.positions)
    np.testing.assert_allclose(back.normals, array.normals, rtol=0, atol=1e-15)
    np.testing.assert_allclose(back.frames(), array.frames(), rtol=0, atol=1e-15)
    assert (back.radius, back.shape, list(back.ids)) == (7.5, "circle", list(array.ids))
    assert back.name == "Neuronexus-32"
    with pytest.raises(OutputError, match="output exists"):
        write_probeinterface(array, tmp_path / "probe.json")


def test_probeinterface_has_the_keys_of_its_schema() -> None:
    content = write_probeinterface(load_contacts("Neuropixels-24", radius="array"))
    probe = content["probes"][0]
    assert content["specification"] == "probeinterface"
    assert (probe["ndim"], probe["si_units"]) == (3, "um")
    assert probe["contact_shape_params"][0] == {"width": 12.0}
    assert np.shape(probe["contact_plane_axes"]) == (24, 2, 3)
    assert {"model_name", "manufacturer"} <= set(probe["annotations"])
    assert json.loads(json.dumps(content)) == content


def probe_2d(**changes: object) -> str:
    probe: dict[str, object] = {
        "ndim": 2,
        "si_units": "um",
        "contact_positions": [[0.0, 0.0], [20.0, 40.0]],
        "contact_plane_axes": [[[1.0, 0.0], [0.0, 1.0]]] * 2,
        "contact_shapes": ["square", "square"],
        "contact_shape_params": [{"width": 12.0}, {"width": 12.0}],
        "contact_ids": ["e0", "e1"],
    }
    return json.dumps({"specification": "probeinterface", "probes": [{**probe, **changes}]})


def test_flat_probe_stands_in_the_plane_of_x_and_z(write: Write) -> None:
    contacts = load_contacts(write("flat.json", probe_2d()), radius="array")
    np.testing.assert_array_equal(contacts.positions, [[0.0, 0.0, 0.0], [20.0, 0.0, 40.0]])
    np.testing.assert_array_equal(contacts.normals, np.tile([0.0, -1.0, 0.0], (2, 1)))
    assert (contacts.radius, contacts.shape, contacts.ids) == (6.0, "square", ["e0", "e1"])


def test_units_of_a_probe_are_obeyed(write: Write) -> None:
    text = probe_2d(
        si_units="mm",
        contact_positions=[[0.0, 0.0], [0.02, 0.04]],
        contact_shapes=["rect", "rect"],
        contact_shape_params=[{"width": 0.012, "height": 0.03}] * 2,
    )
    contacts = load_contacts(write("mm.json", text), radius="array")
    np.testing.assert_allclose(contacts.positions[1], [20.0, 0.0, 40.0], rtol=1e-14)
    np.testing.assert_allclose(contacts.face_half_sides, (6.0, 15.0), rtol=1e-14)


def test_contacts_of_all_probes_are_taken(write: Write) -> None:
    one = json.loads(probe_2d())["probes"][0]
    text = json.dumps({"probes": [one, {**one, "contact_ids": ["f0", "f1"]}]})
    assert load_contacts(write("two.json", text)).ids == ["e0", "e1", "f0", "f1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"is no JSON \[.*bad.json:1\]"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "no 'probes'"),
        ('{"probes": []}', "no 'probes'"),
        ('{"probes": [3]}', "probe 0 is no table"),
        (probe_2d(ndim=4), "'ndim' is 4"),
        (probe_2d(si_units="inch"), "'si_units' is 'inch'"),
        (probe_2d(contact_positions=[[0.0, 0.0, 0.0]]), r"'contact_positions' has shape \(1, 3\)"),
        (probe_2d(contact_positions=[[0.0, float("nan")]]), "expected finite"),
        (probe_2d(contact_positions=[[0.0, "a"]]), "does not consist of numbers"),
        (probe_2d(contact_positions=[[0.0, 10**400]]), "does not consist of numbers"),
        (probe_2d(contact_positions=[], contact_plane_axes=None), "no contacts"),
        (probe_2d(contact_positions=None), "'contact_positions' has shape"),
        (probe_2d(contact_plane_axes=[[[1.0, 0.0], [2.0, 0.0]]] * 2), "zero vector"),
        (probe_2d(contact_plane_axes=[[1.0, 0.0]]), "'contact_plane_axes' has shape"),
        (probe_2d(contact_ids="e0"), "'contact_ids' is no list"),
        (probe_2d(contact_shapes=["square"]), "1 shapes and 2 sizes"),
        (probe_2d(contact_shapes=[], contact_shape_params=[]), "no shapes"),
        (probe_2d(contact_shapes=["square", "circle"]), "'radius' of contacts is 'None'"),
        (probe_2d(contact_shape_params=[{"width": 1}, {"width": 2}]), "unlike shape or size"),
        (probe_2d(contact_shape_params=[{"width": -1}] * 2), "size of contacts is -1"),
        (probe_2d(contact_shapes=["star"] * 2), "shape of contacts is 'star'"),
    ],
)
def test_bad_probeinterface_files(write: Write, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        load_contacts(write("bad.json", text), radius="array")
    assert "bad.json" in str(caught.value.source)


def test_positions_in_memory() -> None:
    contacts = load_contacts([[0.0, 0.0, 1.0], [0.0, 0.0, 3.0]], rotate={"x": 90.0})
    np.testing.assert_allclose(contacts.positions, [[0, 1, 2], [0, -1, 2]], atol=1e-15)
    assert len(load_contacts((1.0, 2.0, 3.0))) == 1


@pytest.mark.parametrize(
    "spec", [[], [[1.0, 2.0]], [[1.0, 2.0, np.inf]], [["a", "b", "c"]], [[1, 2, 3], [4]]]
)
def test_bad_positions_in_memory(spec: list) -> None:
    with pytest.raises(InputError, match="contacts"):
        load_contacts(spec)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"radius": -1.0}, UsageError, "radius of contacts is -1"),
        ({"radius": float("nan")}, UsageError, "radius of contacts is nan"),
        ({"radius": "big"}, UsageError, "'big', expected a length"),
        ({"shape": "sqare"}, UsageError, "did you mean 'square'"),
        ({"shift": (1.0, 2.0)}, UsageError, "three finite numbers"),
        ({"shift": (1.0, 2.0, float("inf"))}, UsageError, "three finite numbers"),
        ({"rotate": {"w": 3.0}}, UsageError, "unknown key 'w'"),
        ({"normal": (0.0, 0.0, 0.0)}, InputError, "zero vector among the normals"),
    ],
)
def test_bad_arguments(arguments: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        load_contacts("tetrode", **arguments)  # type: ignore[arg-type]


def test_size_of_an_array_that_states_none(write: Write) -> None:
    with pytest.raises(InputError, match="states no size"):
        load_contacts(write("plain.csv", "1,2,3\n"), radius="array")
