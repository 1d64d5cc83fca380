"""Model code of the user's own: Python functions and hoc files that finish a cell."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from lfpcli.errors import InputError, SimulatorError, UsageError
from lfpcli.runtime.hoc.hooks import hook


def test_a_function_gets_the_cell_and_its_folder(tmp_path, capfd):
    (tmp_path / "helper.py").write_text("VALUE = 7\n")
    file = tmp_path / "channels.py"
    file.write_text(
        "import os\nfrom helper import VALUE\n"
        "def insert(cell):\n    print('hello')\n    cell.seen = VALUE, os.getcwd()\n"
    )
    cell = SimpleNamespace()
    hook(file, "insert")(cell)
    assert cell.seen == (7, str(tmp_path))
    out, err = capfd.readouterr()
    assert (out, err) == ("", "hello\n")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["channels.py", "helper.py"]
    assert str(tmp_path) not in sys.path
    hook(file, "insert", tmp_path.parent)(cell)
    assert cell.seen == (7, str(tmp_path.parent))


def test_a_failure_names_the_line_and_keeps_the_cause(tmp_path):
    file = tmp_path / "bad.py"
    file.write_text("def f(cell):\n    g(cell)\n\ndef g(cell):\n    return {}['ina']\n")
    with pytest.raises(SimulatorError) as caught:
        hook(file, "f")(SimpleNamespace())
    error = caught.value
    assert error.source == f"{file}:5"
    assert "KeyError: 'ina', in 'return {}['ina']'" in str(error)
    assert isinstance(error.__cause__, KeyError)


def test_a_failure_inside_a_library_names_the_users_line(tmp_path):
    file = tmp_path / "lib.py"
    file.write_text("import json\n\ndef f(cell):\n    json.loads('{')\n")
    with pytest.raises(SimulatorError) as caught:
        hook(file, "f")(SimpleNamespace())
    assert caught.value.source == f"{file}:4"


def test_errors_of_this_program_keep_their_kind(tmp_path):
    file = tmp_path / "ours.py"
    file.write_text(
        "from lfpcli.errors import UsageError\ndef f(cell):\n    raise UsageError('nothing')\n"
    )
    with pytest.raises(UsageError, match="nothing") as caught:
        hook(file, "f")(SimpleNamespace())
    assert caught.value.source == f"{file}:3"


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("def f(cell):\n    return (\n", 2, "SyntaxError"),
        ("import no_such_module\ndef f(cell): pass\n", 1, "ModuleNotFoundError"),
        ("raise SystemExit(3)\n", 1, "SystemExit: 3"),
    ],
)
def test_a_file_that_cannot_be_imported_is_told(tmp_path, text, line, what):
    file = tmp_path / "f.py"
    file.write_text(text)
    with pytest.raises(SimulatorError, match=what) as caught:
        hook(file, "f")
    assert caught.value.source == f"{file}:{line}"


def test_missing_files_and_functions_are_told(tmp_path):
    file = tmp_path / "f.py"
    file.write_text("def insert(cell): pass\nVALUE = 1\n")
    with pytest.raises(InputError, match="no function 'inset'") as caught:
        hook(file, "inset")
    assert "did you mean 'insert'?" in str(caught.value)
    with pytest.raises(InputError, match="no function 'VALUE'"):
        hook(file, "VALUE")
    with pytest.raises(InputError, match="no such file"):
        hook(tmp_path / "g.py", "f")


HOC = """\
// names mean this cell's sections, whatever others there are
forall { insert pas g_pas = 1e-4 }
forsec basal { g_pas = 2e-4 }
forsec "dend.1" { g_pas = 3e-4 }
proc activate() { soma { insert hh gnabar_hh = $1 } }
activate(0.2)
access soma
for i = 0, 1 dend[i] { diam = i + 1 }
soma.L = dend[1].diam * 10
load_file("more.hoc")
"""


def test_hoc_code_touches_its_own_cell_alone(neuron_process, tmp_path):
    (tmp_path / "code.hoc").write_text(HOC)
    (tmp_path / "more.hoc").write_text("dend[0] { Ra = 77 }\n")

    def model(results) -> None:
        from pathlib import Path
        from types import SimpleNamespace

        from lfpcli.errors import SimulatorError
        from lfpcli.runtime.hoc.hooks import hook
        from lfpcli.runtime.neuron import nrn

        h = nrn()

        def make():
            names = ["soma[0]", "dend[0]", "dend[1]"]
            return SimpleNamespace(sections=[h.Section(name=n) for n in names], names=names)

        first, second, third = make(), make(), make()
        run = hook(Path("code.hoc"))

        def facts(cell):
            soma, one, two = cell.sections
            passive = [s.has_membrane("pas") for s in cell.sections]
            g = [s.g_pas if p else 0 for s, p in zip(cell.sections, passive, strict=True)]
            na = soma.gnabar_hh if soma.has_membrane("hh") else 0
            return [*g, na, one.diam, two.diam, soma.L, one.Ra]

        before = facts(third)
        run(first)
        results["untouched"] = facts(third) == before and facts(second) == before
        run(second)
        results["first"], results["second"] = facts(first), facts(second)
        results["third"] = facts(third) == before
        Path("wrong.hoc").write_text("soma { insert pas }\nsoma { nosuch_thing = }\n")
        try:
            hook(Path("wrong.hoc"))(first)
        except SimulatorError as error:
            results["error"] = str(error)

    got = neuron_process(model)
    assert got["untouched"]
    assert got["third"]
    expected = [1e-4, 2e-4, 3e-4, 0.2, 1.0, 2.0, 20.0, 77.0]
    assert got["first"].tolist() == expected
    assert got["second"].tolist() == expected
    assert "wrong.hoc:2]" in str(got["error"])
