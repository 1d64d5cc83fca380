"""MEG: magnetic fields that coils measure outside the head, from the current dipole moments or
the membrane currents of a recording."""

from __future__ import annotations

import argparse

from lfpcli import vocabulary
from lfpcli.cli import head_options, options

EPILOG = """\
examples:
  lfp meg out.h5 --sensors helmet --position 0,40000,60000 --direction 1,0,0 -o meg.h5
  lfp meg out.h5 --sensors sensors.csv --position 0,0,70000 -o meg.h5
  lfp meg out.h5 --sensors sample_raw.fif --centre 0,0,40000 --position 0,50000,80000 -o meg.h5
  lfp meg out.h5 --model infinite --sensors sensors.csv --quantity H --position 0,0,70000 -o h.h5

models: spherical (Sarvas 1987), infinite (Hamalainen et al. 1993), lead-field (HDF5 in T, MNE's
  -fwd.fif), and to compare lfpykit:SphericallySymmetricVolCondMEG,
  lfpykit:InfiniteHomogeneousVolCondMEG; see lfp-meg(1)
sensors: .csv with the columns x,y,z (um), nx,ny,nz and, where wanted, name and weight; lines of
  one name make one channel. Or a .fif file with MNE's measurement information"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("input", metavar="FILE", help="recording; - is standard input")
    group = parser.add_argument_group("head and sensors")
    group.add_argument(
        "--model",
        choices=(*vocabulary.MEG_MODELS, *vocabulary.LFPYKIT_MEG),
        default=vocabulary.MEG_MODEL,
        metavar="MODEL",
        help="conductor (spherical); one of LFPykit's tells the difference to ours",
    )
    group.add_argument(
        "--sensors",
        metavar="NAME|FILE",
        help="helmet (102 magnetometers), helmet-306 (with planar gradiometers), or a file of"
        " coils: .csv, or .fif (needs MNE)",
    )
    group.add_argument(
        "--centre",
        type=options.triple,
        default=[0.0, 0.0, 0.0],
        metavar="X,Y,Z",
        help="centre of the head in the coordinates of the sensors, um (0,0,0)",
    )
    group.add_argument(
        "--radius",
        type=options.positive,
        metavar="UM",
        help="outer radius of the spherical conductor, which sensors are outside of, um (90000)",
    )
    group.add_argument(
        "--quantity",
        choices=vocabulary.QUANTITIES,
        default=vocabulary.QUANTITIES[0],
        help="B in T, or H in nA/um (B)",
    )
    group.add_argument("--head-model", metavar="FILE", help="lead field: HDF5, or MNE's -fwd.fif")
    head_options.add_dipoles(parser)
    head_options.add_result(parser, "meg")


def run(args: argparse.Namespace) -> None:
    """Compute."""
    from lfpcli.model.head import Meg

    table = Meg(
        **head_options.placement(args),
        model=args.model,
        sensors=args.sensors,
        centre=args.centre,
        radius=args.radius,
        quantity=args.quantity,
        head_model=args.head_model,
    )
    head_options.compute(args, table)
