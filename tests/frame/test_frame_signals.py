"""How commands end: broken pipes, Ctrl-C and SIGTERM, without a word and without leftovers."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import h5py
import numpy as np
import pytest
from sources import program

from lfpcli.cli import main as entry
from lfpcli.cli import options
from lfpcli.cli.signals import Ending, Terminated
from lfpcli.io.atomic import atomic_output
from lfpcli.kernels.deadline import set_handler
from lfpcli.runtime.engine.interrupts import deferred_signals

sys.path.append(str(Path(__file__).parent.parent / "faults"))
import fault_samples


def add_output(parser) -> None:
    options.add_output(parser, "file")


def nap(args) -> None:
    """Begin an output, and then take a long time."""
    with atomic_output(args.output) as path:
        path.write_bytes(b"half")
        print("ready", file=sys.stderr, flush=True)
        time.sleep(60)


def stuck(args) -> None:
    """The same with work that goes on in C and never comes back to Python."""
    with atomic_output(args.output) as path:
        path.write_bytes(b"half")
        print("ready", file=sys.stderr, flush=True)
        ctypes.PyDLL(None).sleep(60)
        ctypes.PyDLL(None).sleep(60)


def stuck_in_an_engine(args) -> None:
    """The same inside an engine, which keeps signals until it comes back."""
    with atomic_output(args.output) as path, deferred_signals():
        path.write_bytes(b"half")
        print("ready", file=sys.stderr, flush=True)
        # each signal ends one of them
        for _ in range(9):
            ctypes.PyDLL(None).sleep(60)


def call_back(args) -> None:
    """The same in callbacks that lose what is raised in them, and then in work as usual."""

    class Callback:
        def __del__(self) -> None:
            print("ready", file=sys.stderr, flush=True)
            time.sleep(5)

    with atomic_output(args.output) as path:
        path.write_bytes(b"half")
        Callback()
        time.sleep(60)


def run_command(run) -> None:
    command = types.ModuleType("lfpcli.cli.nap", "Sleep.")
    command.add_arguments, command.run = add_output, run
    sys.modules[command.__name__] = command
    entry.COMMANDS["nap"] = "sleep"
    sys.exit(entry.main(sys.argv[1:]))


def run_nap() -> None:
    run_command(nap)


def run_call_back() -> None:
    run_command(call_back)


def run_stuck() -> None:
    run_command(stuck)


def run_stuck_in_an_engine() -> None:
    run_command(stuck_in_an_engine)


ENDING = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1]


@pytest.mark.parametrize(
    ("number", "run"),
    [*((number, run_nap) for number in ENDING), (ENDING[0], run_call_back)],
    ids=[*(number.name for number in ENDING), "SIGTERM in a callback"],
)
def test_signal_removes_temporaries(tmp_path, number, run):
    code = 128 + number
    process = subprocess.Popen(
        [sys.executable, "-c", program(run), "nap", "-o", str(tmp_path / "a.bin")],
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr.readline() == "ready\n"
        assert len(list(tmp_path.iterdir())) == 1
        process.send_signal(number)
        assert process.wait(timeout=300) == code
        assert process.stderr.read() == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "run"),
    [(ENDING[0], run_stuck), (ENDING[1], run_stuck), (signal.SIGUSR1, run_stuck_in_an_engine)],
    ids=["SIGTERM", "SIGINT", "SIGUSR1, engine"],
)
def test_work_that_never_comes_back_ends_too(tmp_path, number, run):
    process = subprocess.Popen(
        [sys.executable, "-c", program(run), "nap", "-o", str(tmp_path / "a.bin")],
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr.readline() == "ready\n"
        process.send_signal(number)
        time.sleep(0.5)
        # a second one changes nothing
        process.send_signal(signal.SIGHUP)
        assert process.wait(timeout=300) == 128 + number
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
def test_signals_at_any_moment(tmp_path, number):
    """From exec on, imports and exit included, a command is done or ends by the signal."""
    rng = np.random.default_rng(number)
    path = tmp_path / "a.npy"
    np.save(path, np.zeros(3))
    command = [sys.executable, "-m", "lfpcli", "info", str(path)]
    begin = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    whole = time.monotonic() - begin
    for wait in rng.uniform(0.1, 1.1, 6):
        # the interpreter itself takes SIGINT for its own until it runs a program
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(wait * whole)
        process.send_signal(number)
        err = process.communicate(timeout=300)[1].decode()
        assert process.returncode in (0, 128 + number, -number), err
        assert number == signal.SIGINT or err == ""


def test_what_the_caller_ignores_is_ignored(tmp_path):
    process = subprocess.Popen(
        ["nohup", sys.executable, "-c", program(run_nap), "nap", "-o", str(tmp_path / "a.bin")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        while "ready" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=300) == 143


def test_signal_while_reading_standard_input_removes_the_spool(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "lfpcli", "info", "-"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    with process:
        process.stdin.write(bytes(4 << 20))
        process.stdin.flush()
        while not any(path.stat().st_size for path in tmp_path.iterdir()):
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=300) == 143
        assert process.stderr.read() == b""
    assert list(tmp_path.iterdir()) == []


def test_reader_that_has_enough_ends_quietly(tmp_path):
    path = tmp_path / "many.h5"
    with h5py.File(path, "w") as file:
        for k in range(3000):
            file[f"a_dataset_with_a_long_name_{k:05d}"] = k
    process = subprocess.Popen(
        [sys.executable, "-m", "lfpcli", "info", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=300) == 141


def test_a_rank_that_is_ended_while_it_waits_says_nothing(monkeypatch, capfd):
    def ended() -> None:
        raise Terminated(signal.SIGTERM)

    monkeypatch.setattr(entry, "_await_rank_0", ended)
    assert entry.main(["info", "missing.h5"]) == 128 + signal.SIGTERM
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("number", "moment"), [(signal.SIGTERM, 1), (signal.SIGUSR1, 6)])
def test_a_signal_as_handlers_are_set_or_put_back(monkeypatch, capfd, number, moment):
    """Five are set, then five put back: it comes after the first, or the sixth of these."""
    usual, calls = signal.signal, []

    def set_handler(each, handler):
        before = usual(each, handler)
        calls.append(each)
        if len(calls) == moment:
            signal.raise_signal(number)
        return before

    monkeypatch.setattr("lfpcli.cli.signals.signal.signal", set_handler)
    handlers = [signal.getsignal(each) for each in ENDING]
    monkeypatch.setattr(entry, "_dispatch", lambda arguments, console: 0)
    assert entry.main([]) == 128 + number
    assert [signal.getsignal(each) for each in ENDING] == handlers
    assert capfd.readouterr() == ("", "")


def lose_by_a_finalizer() -> None:
    class Finalized:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGTERM)

    Finalized()


def lose_by_printing() -> None:
    """As C code does that prints an error and goes on."""
    try:
        signal.raise_signal(signal.SIGTERM)
    except Terminated as error:
        sys.excepthook(type(error), error, error.__traceback__)


@pytest.mark.parametrize("lose", [lose_by_a_finalizer, lose_by_printing])
def test_a_signal_while_python_tells_of_one_that_it_lost(monkeypatch, capfd, lose):
    usual = Ending.heed_lost

    def interrupted(ending, error):
        is_heeded = usual(ending, error)
        signal.raise_signal(signal.SIGTERM)
        return is_heeded

    def dispatch(arguments, console) -> int:
        lose()
        # it is raised again, soon
        time.sleep(300)
        return 0

    monkeypatch.setattr(Ending, "heed_lost", interrupted)
    monkeypatch.setattr(entry, "_dispatch", dispatch)
    assert entry.main([]) == 128 + signal.SIGTERM
    assert capfd.readouterr() == ("", "")


def test_handlers_of_libraries_in_c(monkeypatch):
    """Python has None for those of libraries that were there before it, as MPICH's is."""
    handlers = {each: signal.getsignal(each) for each in ENDING}
    monkeypatch.setattr("lfpcli.cli.signals.signal.getsignal", lambda number: None)
    monkeypatch.setattr(entry, "_dispatch", lambda arguments, console: 0)
    try:
        assert entry.main([]) == 0
        monkeypatch.undo()
        assert {signal.getsignal(each) for each in ENDING} == {signal.SIG_DFL}
        assert set_handler(signal.SIGUSR1, None, watched=False) == signal.SIG_DFL
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


BUSY = {
    "sim": [
        "builtin:ball_and_stick",
        "--passive",
        "--input",
        "soma:0.1@2",
        "--tstop",
        "200",
        "--seed",
        "1",
    ],
    "probe": ["one.h5", "--array", "Neuropixels-128"],
    "eeg": ["one.h5", "--position", "0,0,78000"],
    "convert": ["one.h5", "OUT.npz"],
    "plot": ["one.h5", "-o", "OUT.png"],
    "sweep": ["builtin:quickstart", "--set", "run.tstop=1,2", "-o", "OUT"],
    "spikes": [
        "--poisson",
        "20",
        "--size",
        "99",
        "--duration",
        "99",
        "-o",
        "OUT.h5",
        "--seed",
        "1",
    ],
}


@pytest.mark.parametrize("command", BUSY)
def test_signals_at_any_moment_of_any_command(tmp_path, command):
    """Outputs are whole or not there, and nothing else is, from the imports on."""
    rng = np.random.default_rng(len(command))
    fault_samples.recording(tmp_path / "one.h5")
    words = [word.replace("OUT", "out") for word in BUSY[command]]
    if not any("out" in word for word in words):
        words += ["-o", "out.h5"]
    program_words = [sys.executable, "-m", "lfpcli", command, *words, "-q"]
    # what commands take, imports included, roughly
    for number, moment in zip(ENDING, rng.permutation(np.linspace(0.15, 1.2, 5)), strict=True):
        process = subprocess.Popen(
            program_words, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        await_work(process, moment)
        process.send_signal(number)
        err = process.communicate(timeout=300)[1].decode()
        assert process.returncode in (0, 128 + number, -number), err
        # the interpreter itself takes SIGINT for its own until it runs a program
        assert err == "" or (number == signal.SIGINT and "Traceback" in err and moment < 0.3)
        left = {path.name for path in tmp_path.rglob("*")} - {"one.h5"}
        assert not [name for name in left if name.startswith(".")], left
        if process.returncode == 0 or command == "sweep":
            remove_outputs(tmp_path)
        elif left:
            # the signal came after the work was done, and before the process ended
            assert_whole(tmp_path, left, program_words)
            remove_outputs(tmp_path)


def assert_whole(folder, names, words) -> None:
    """See that outputs have the bytes that a run which nobody disturbs gives them."""
    contents = {name: (folder / name).read_bytes() for name in names}
    remove_outputs(folder)
    subprocess.run(words, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    assert contents == {name: (folder / name).read_bytes() for name in names}


def await_work(process, seconds: float) -> None:
    """Wait until a process has computed for so long, or is done."""
    while process.poll() is None:
        text = Path(f"/proc/{process.pid}/schedstat").read_text()
        if int(text.split()[0]) * 1e-9 > seconds:
            return
        time.sleep(0.002)


def remove_outputs(folder) -> None:
    for path in folder.glob("out*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
