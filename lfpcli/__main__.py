# PYTHON_ARGCOMPLETE_OK
"""``python -m lfpcli`` is ``lfp``."""

# the module behind signal, at hand at once: signal itself makes enumerations first, and Ctrl-C in
# the meantime would end in a traceback
import _signal as signal
import os


def run() -> None:
    """Run as a program, whose imports too may be interrupted."""
    # until the command takes signals itself, Ctrl-C ends it as other signals do, without a
    # traceback; what the caller ignores stays ignored
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    # commands draw into files: what a notebook sets for its own process, or a desktop, is not for
    # them, and Matplotlib would look for it
    os.environ["MPLBACKEND"] = "agg"
    from lfpcli.cli.main import console_main

    console_main()


if __name__ == "__main__":
    run()
