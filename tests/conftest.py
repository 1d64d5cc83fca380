"""What all tests share: ways to run `lfp`, and NEURON in processes of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sources import standalone

ROOT = Path(__file__).parent.parent

# `python -m pytest` puts the source tree first, which has compiled kernels only where the package
# was installed in place; what is installed is what is tested
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT]

# jobs in the background of a shell ignore these, and so would what tests start and send them to
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
for number in (signal.SIGQUIT, signal.SIGHUP):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--run-slow", action="store_true", help="run the slow tests too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--run-slow"):
        return
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="slow; use --run-slow"))


@pytest.fixture(scope="session", autouse=True)
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run all tests outside the source tree, where their processes find what is installed."""
    here = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("elsewhere"))
    yield
    os.chdir(here)


@dataclass
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def lfp(capfd: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run a command in this process; it must not build NEURON models."""

    def run(*arguments: object, code: int = 0) -> Ran:
        from lfpcli.cli.main import main

        capfd.readouterr()
        got = main([str(a) for a in arguments])
        out, err = capfd.readouterr()
        assert got == code, err or out
        return Ran(got, out, err)

    return run


@pytest.fixture
def shell() -> Callable[..., Ran]:
    """Run `lfp` in a process of its own."""

    def run(*arguments: object, code: int = 0, stdin: bytes | None = None, **options: Any) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "lfpcli", *(str(a) for a in arguments)],
            input=b"" if stdin is None else stdin,
            capture_output=True,
            check=False,
            timeout=300,
            **options,
        )
        out, err = done.stdout.decode("latin-1"), done.stderr.decode()
        assert done.returncode == code, err or out
        return Ran(done.returncode, out, err)

    return run


@pytest.fixture
def neuron_process(tmp_path: Path) -> Callable[..., dict[str, np.ndarray]]:
    """Run a function in a process of its own; return the arrays it puts into `results`.

    NEURON has global state, so each model gets a fresh process. What runs is a function of
    `results` and the keyword arguments; it may use imports, functions and constants of its module,
    see `standalone`. A text is run too, as the lines of Python in the manual are.
    """

    def run(function: Callable[..., None] | str, **arguments: Any) -> dict[str, np.ndarray]:
        target = tmp_path / f"results{len(list(tmp_path.glob('results*')))}.npz"
        code = "from __future__ import annotations\nimport numpy as np\nresults = {}\n"
        named = [f"{name}={value!r}" for name, value in arguments.items()]
        if isinstance(function, str):
            code += "\n".join([*named, textwrap.dedent(function)])
        else:
            words = ", ".join(["results", *named])
            code += f"{standalone(function)}\n{function.__name__}({words})"
        code += f"\nnp.savez({str(target)!r}, **results)\n"
        environment = {**os.environ, "NEURON_MODULE_OPTIONS": "-nogui"}
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            check=False,
            timeout=300,
            cwd=tmp_path,
            env=environment,
        )
        assert done.returncode == 0, done.stderr.decode()
        with np.load(target) as arrays:
            return dict(arrays)

    return run


@pytest.fixture
def share() -> Path:
    """The folder of morphologies and examples."""
    return ROOT / "share"
