"""Cells from hoc templates: equal file names, deletion of sections, settings, errors."""

from __future__ import annotations

import pytest

MAIN = """\
load_file("biophysics.hoc")
load_file("sub/more.hoc")
{celsius = 34}
{dt = 0.025}
begintemplate NAME
public soma, dend, all
objref all, bio
create soma[1], dend[1], spare[1]
proc init() { local i
    all = new SectionList()
    // a clean sheet
    forall delete_section()
    create soma[1], dend[$1]
    soma { L = 20 diam = 20 all.append() }
    for i = 0, $1 - 1 dend[i] {
        L = 100 diam = 2 nseg = 3
        connect dend[i](0), soma(1)
        all.append()
    }
    bio = new bio_NAME()
    bio.insert_all(all)
    printf("made %s\\n", "NAME")
}
endtemplate NAME
"""

BIOPHYSICS = """\
begintemplate bio_NAME
public insert_all
proc insert_all() {
    forsec $o1 { insert pas g_pas = VALUE }
}
endtemplate bio_NAME
"""


def write_model(folder, name, value, main=MAIN):
    (folder / "sub").mkdir(parents=True)
    (folder / "template.hoc").write_text(main.replace("NAME", name))
    text = BIOPHYSICS.replace("NAME", name).replace("VALUE", value)
    (folder / "biophysics.hoc").write_text(text)
    (folder / "sub" / "more.hoc").write_text('load_file("inner.hoc")\n')
    (folder / "sub" / "inner.hoc").write_text("more_was_read = 1\n")
    return folder / "template.hoc"


def test_cells_of_two_folders_live_together(neuron_process, tmp_path):
    one = write_model(tmp_path / "one folder", "One", "1e-4")
    two = write_model(tmp_path / "two", "Two", "2e-4")
    files = sorted(tmp_path.rglob("*"))

    def model(results, one, two) -> None:
        from pathlib import Path

        from lfpcli.runtime.hoc.templates import load_template
        from lfpcli.runtime.neuron import nrn

        h = nrn()
        usual = h.celsius, h.dt
        cells = [
            load_template(Path(p), n, [c])
            for p, n, c in ((one, "One", 2), (two, "Two", 3), (one, "One", 4))
        ]
        results["counts"] = [len(c.sections) for c in cells]
        results["alive"] = len(list(h.allsec()))
        results["names"] = cells[2].names
        results["g"] = [c.sections[-1].g_pas for c in cells]
        results["settings"] = [[c.settings["celsius"], c.settings["dt"]] for c in cells]
        results["others"] = sorted(cells[0].settings)
        results["kept"] = (h.celsius, h.dt) == usual
        results["cwd"] = str(Path.cwd())
        results["more"] = h.more_was_read

    got = neuron_process(
        model,
        one=str(one),
        two=str(two),
    )
    assert list(got["counts"]) == [3, 4, 5]
    assert got["alive"] == 12
    assert list(got["names"]) == ["soma[0]", "dend[0]", "dend[1]", "dend[2]", "dend[3]"]
    assert list(got["g"]) == [1e-4, 2e-4, 1e-4]
    assert got["settings"].tolist() == [[34.0, 0.025]] * 3
    assert list(got["others"]) == ["celsius", "dt"]
    assert got["kept"]
    assert str(got["cwd"]) == str(tmp_path)
    assert got["more"] == 1
    assert [p for p in sorted(tmp_path.rglob("*")) if p.suffix != ".npz"] == files


def loading_errors(results, calls, keep) -> None:
    """Load what calls say: by name the file, template and arguments; without a template a model."""
    from pathlib import Path

    from lfpcli.errors import LfpError
    from lfpcli.runtime.hoc.templates import load_hoc_model, load_template

    kept = []
    for name, (file, *template) in calls.items():
        results[name] = "no error"
        try:
            if not template:
                load_hoc_model(Path(file))
                continue
            title, arguments, *others = template
            options = others[0] if others else {}
            if "workdir" in options:
                options["workdir"] = Path(options["workdir"])
            cell = load_template(Path(file), title, arguments, **options)
            if keep:
                kept.append(cell)
        except LfpError as error:
            results[name] = f"{type(error).__name__}: {error}"


def errors_of(neuron_process, calls, *, keep=False):
    return {k: str(v) for k, v in neuron_process(loading_errors, calls=calls, keep=keep).items()}


def test_errors_name_file_and_line(neuron_process, tmp_path):
    main = write_model(tmp_path / "m", "Main", "1e-4")
    lines = MAIN.replace("NAME", "Wrong").replace('load_file("sub/more.hoc")', "").splitlines()
    lines[8] = "create soma[1"
    (tmp_path / "m" / "syntax.hoc").write_text("\n".join(lines))
    (tmp_path / "m" / "missing.hoc").write_text("create soma\n\nsoma { insert NaTa_missing }\n")
    (tmp_path / "m" / "mods").mkdir()
    mod = tmp_path / "m" / "mods" / "na.mod"
    mod.write_text("NEURON { SUFFIX NaTa_missing }\n")
    (tmp_path / "m" / "nested.hoc").write_text('x = 1\nload_file("missing.hoc")\n')
    (tmp_path / "m" / "quit.hoc").write_text('create soma\nprintf("no quit() yet")\nquit()\n')
    (tmp_path / "m" / "nothing.hoc").write_text("x = 1\n")
    got = errors_of(
        neuron_process,
        {
            "name": (str(main), "Mane", [1]),
            "argument": (str(main), "Main", ["text"]),
            "workdir": (str(main), "Main", [1], {"workdir": "nowhere"}),
            "syntax": (str(main.with_name("syntax.hoc")), "Wrong", [1]),
            "absent": ("nowhere.hoc", "Main", []),
            **{
                name: (str(main.with_name(f"{name}.hoc")),)
                for name in ("missing", "nested", "quit", "nothing")
            },
        },
    )
    assert got["name"].startswith("InputError: defines no template 'Mane' [")
    assert "did you mean 'Main'?" in got["name"]
    assert got["argument"].startswith("SimulatorError: hoc: ")
    assert str(main) in got["argument"]
    assert "correct 'workdir'" in got["workdir"]
    assert f"[{main.with_name('syntax.hoc')}:" in got["syntax"]
    assert "syntax error" in got["syntax"]
    assert f"[{main.with_name('missing.hoc')}:3]" in got["missing"]
    assert "'NaTa_missing'" in got["missing"]
    assert str(mod) in got["missing"]
    assert f"[{main.with_name('missing.hoc')}:3]" in got["nested"]
    assert got["absent"].startswith("InputError: no such file")
    assert f"would end the whole program [{main.with_name('quit.hoc')}" in got["quit"]
    assert got["nothing"].startswith("InputError: makes no sections")


def test_templates_of_one_name_that_differ_are_told(neuron_process, tmp_path):
    one = write_model(tmp_path / "one", "Same", "1e-4")
    two = write_model(tmp_path / "two", "Same", "1e-4")
    three = write_model(tmp_path / "three", "Same", "3e-4")
    (tmp_path / "two" / "biophysics.hoc").write_text(
        (tmp_path / "one" / "biophysics.hoc").read_text().replace("    forsec", "\tforsec")
    )
    got = errors_of(
        neuron_process,
        {file.parent.name: (str(file), "Same", [1]) for file in (one, two, three)},
    )
    assert got["one"] == got["two"] == "no error"
    assert "template 'bio_Same' is defined in two ways" in got["three"]
    assert str(tmp_path / "one" / "biophysics.hoc") in got["three"]
    assert str(tmp_path / "three" / "biophysics.hoc") in got["three"]


def test_code_that_deletes_the_cells_of_others_is_refused(neuron_process, tmp_path):
    first = write_model(tmp_path / "first", "First", "1e-4")
    rude = write_model(tmp_path / "rude", "Rude", "1e-4", "forall delete_section()\n" + MAIN)
    rude_call = (str(rude), "Rude", [1])
    alone = errors_of(neuron_process, {"alone": rude_call}, keep=True)
    assert alone["alone"] == "no error"
    calls = {"first": (str(first), "First", [1]), "rude": rude_call}
    got = errors_of(neuron_process, calls, keep=True)
    assert got["first"] == "no error"
    assert "deletes sections of other cells" in got["rude"]


def test_a_stand_in_fails_only_where_it_is_made(neuron_process, tmp_path):
    (tmp_path / "t.hoc").write_text(
        "begintemplate T\npublic soma, all\nobjref all, syn\ncreate soma\n"
        "proc init() { all = new SectionList() soma all.append()\n"
        "if ($1) { soma syn = new Missing_Syn(0.5) } }\nendtemplate T\n"
    )
    options = {"stand_ins": ["Missing_Syn"]}
    got = errors_of(
        neuron_process, {"off": ("t.hoc", "T", [0], options), "on": ("t.hoc", "T", [1], options)}
    )
    assert got["off"] == "no error"
    assert "Missing_Syn was left out because it does not compile" in got["on"]


def test_a_finished_model_gives_all_its_sections(neuron_process, tmp_path):
    (tmp_path / "parts.hoc").write_text("create soma, dend[2]\nconnect dend[0](0), soma(1)\n")
    (tmp_path / "init.hoc").write_text(
        'load_file("parts.hoc")\nforall { nseg = 3 }\nv_init = -72\nprintf("done\\n")\n'
    )

    def model(results) -> None:
        from pathlib import Path

        from lfpcli.runtime.hoc.templates import load_hoc_model

        loaded = load_hoc_model(Path("init.hoc"))
        results["names"] = loaded.names
        results["nseg"] = [s.nseg for s in loaded.sections]
        results["v_init"] = loaded.settings["v_init"]

    got = neuron_process(model)
    assert list(got["names"]) == ["soma", "dend[0]", "dend[1]"]
    assert list(got["nseg"]) == [3, 3, 3]
    assert got["v_init"] == -72


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a = 1 // load_file("x")', "a = 1" + " " * 18),
        ('printf("// no comment") /* one\ntwo */ b', 'printf("// no comment")       \n       b'),
    ],
)
def test_comments_are_blanked_and_strings_are_not(text, expected):
    from lfpcli.runtime.hoc.text import without_hoc_comments

    assert without_hoc_comments(text) == expected


LOADS = """\
strdef part
sprint(part, "parts/%s.hoc", "count")
load_file(part)
load_file("parts/count.hoc")
load_file("again.hoc")
xopen("parts/count.hoc")
load_file(1, "parts/count.hoc")
if (!load_file("optional.hoc")) optional = -1
load_file("nrngui.hoc")
create soma
"""


def test_files_are_loaded_as_hoc_does_it(neuron_process, tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "count.hoc").write_text('if (name_declared("n") == 0) n = 0\nn = n + 1\n')
    (tmp_path / "again.hoc").write_text('load_file("parts/count.hoc")\n')
    (tmp_path / "main.hoc").write_text("n = 0\n" + LOADS)

    def model(results) -> None:
        from pathlib import Path

        from lfpcli.runtime.hoc.templates import load_hoc_model
        from lfpcli.runtime.neuron import nrn

        load_hoc_model(Path("main.hoc"))
        results["n"], results["optional"] = nrn().n, nrn().optional

    got = neuron_process(model)
    # by name once, and twice where the file is to be read again
    assert got["n"] == 3
    assert got["optional"] == -1


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('create soma\nload_file("biophysics.hoc")\n', 2),
        ('create soma\nif (1) { load_file("biophysics.hoc") }\n', 2),
        ('strdef name\nname = "biophysics.hoc"\ncreate soma\n\nload_file(1, name)\n', 5),
    ],
)
def test_a_file_that_is_not_there_is_told(neuron_process, tmp_path, text, line):
    (tmp_path / "model.hoc").write_text(text)
    (tmp_path / "outer.hoc").write_text('x = 1\nload_file("model.hoc")\n')
    got = errors_of(
        neuron_process,
        {name: (f"{name}.hoc",) for name in ("model", "outer")},
    )
    for message in got.values():
        assert message.startswith("InputError: loads 'biophysics.hoc', which is not there [")
        assert f"model.hoc:{line}]" in message


DEFAULT = """\
begintemplate Cell
public soma, dend
create soma, dend[2]
proc init() { local k, n  localobj nothing
    soma { insert hh }
    if (ismembrane("hh")) { soma.gnabar_hh = 0.2 + $1 }
}
endtemplate Cell
"""

# the sections are declared after what uses them, as in the templates of the Blue Brain Project
LATE_DEFAULT = """\
begintemplate Cell
public soma, dend
proc init() {
    make()
    if (ismembrane("hh")) { gnabar_hh = 0.2 + $1 }
}
create soma, dend[2]
proc make() { soma { insert hh } }
endtemplate Cell
"""


@pytest.mark.parametrize("late", [False, True])
def test_a_template_sees_no_default_section_of_others(neuron_process, tmp_path, late):
    (tmp_path / "t.hoc").write_text(LATE_DEFAULT if late else DEFAULT)

    def model(results) -> None:
        from pathlib import Path

        from lfpcli.runtime.hoc.templates import load_template
        from lfpcli.runtime.neuron import nrn

        other = nrn().Section(name="other")
        other.push()
        cells = [load_template(Path("t.hoc"), "Cell", [k]) for k in range(3)]
        results["gnabar"] = [cell.sections[0].gnabar_hh for cell in cells]
        results["names"] = cells[2].names

    got = neuron_process(model)
    assert list(got["gnabar"]) == [0.2, 1.2, 2.2]
    # nothing leads to a section that hangs on nothing but its public name
    assert list(got["names"]) == ["soma", "dend[0]", "dend[1]"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("proc init() { a = 1 }", {"init"}),
        (
            'func init() { return 1 }\nproc  advance() { printf("}") fadvance() }',
            {"init", "advance"},
        ),
        ("begintemplate A\nproc init() { }\nendtemplate A\n", set()),
        ('printf("proc init() { }")', set()),
        ("proc initial() { }", set()),
    ],
)
def test_procedures_of_the_run_system_are_found(text, expected):
    from lfpcli.runtime.hoc.text import run_procedures

    assert set(run_procedures(text)) == expected
