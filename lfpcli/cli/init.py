"""Write a commented model for a morphology, to begin with.

The model runs as it is: passive membrane, spikes at the soma, excitation from Poisson trains, and a
line of contacts beside the cell. Each key that a first study changes has a comment."""

from __future__ import annotations

import argparse

from lfpcli.cli import options

EPILOG = """\
examples:
  lfp init builtin:l5_pyramidal -o model.toml
  lfp init cell.swc | lfp sim - -o out.h5

exit codes: 0 done, 2 usage, 3 bad input, 4 output exists or cannot be written"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("morphology", metavar="MORPHOLOGY", help="file, or builtin:NAME")
    options.add_output(parser, "model")


def run(args: argparse.Namespace) -> None:
    """Write the model."""
    from lfpcli.tasks.files.starter import write_starter_model

    write_starter_model(args.morphology, args.output or "-", force=args.force)
