"""EEG: potentials of electrodes on or in the head, from the current dipole moments or the
membrane currents of a recording."""

from __future__ import annotations

import argparse

from lfpcli import vocabulary
from lfpcli.cli import head_options, options

EPILOG = """\
examples:
  lfp eeg out.h5 --position 0,0,78000 -o eeg.h5
  lfp eeg out.h5 --montage 10-10 --position 0,30000,70000 --normal --per population -o eeg.h5
  lfp eeg out.h5 --model lead-field --head-model sa_nyhead.mat --position parietal_lobe --normal \\
      -o eeg.h5
  lfp sim model.toml -o - | lfp eeg - --position 0,0,78000 -o - | lfp plot - -o eeg.png

models: infinite (Naess et al. 2017), homogeneous-sphere (Frank 1952), four-sphere (Naess et al.
  2017), lead-field (HDF5, the New York head of Huang et al. 2016, MNE's -fwd.fif), and to compare
  lfpykit:FourSphereVolumeConductor, lfpykit:InfiniteVolumeConductor; see lfp-eeg(1)
axes of the spheres: x to the right, y to the front, z up, um from the centre"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("input", metavar="FILE", help="recording; - is standard input")
    group = parser.add_argument_group("head")
    group.add_argument(
        "--model",
        choices=(*vocabulary.EEG_MODELS, *vocabulary.LFPYKIT_EEG),
        default=vocabulary.EEG_MODEL,
        metavar="MODEL",
        help="volume conductor (four-sphere); one of LFPykit's tells the difference to ours",
    )
    group.add_argument(
        "--radii",
        type=options.numbers,
        metavar="UM[,UM]...",
        help="outer radii of the shells from the inside, um (79000,80000,85000,90000; one"
        " sphere: 90000)",
    )
    group.add_argument(
        "--sigmas",
        type=options.numbers,
        metavar="S/M[,S/M]...",
        help="their conductivities, S/m (0.3,1.5,0.015,0.3; one medium: 0.3)",
    )
    group.add_argument(
        "--tolerance",
        type=options.positive,
        default=1e-12,
        metavar="X",
        help="where the series of the four spheres ends, relative (1e-12)",
    )
    group.add_argument(
        "--head-model",
        metavar="FILE",
        help="lead field: HDF5, the New York head's .mat, MNE's -fwd.fif, or NYhead for the"
        " checked copy in the cache",
    )
    _electrodes(parser)
    head_options.add_dipoles(parser, site=" or a named site of the head model")
    head_options.add_result(parser, "eeg")


def _electrodes(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("electrodes")
    group.add_argument(
        "--montage",
        metavar="NAME|FILE",
        help="10-20 (the default), 10-10, 10-05 or mne:NAME (need MNE), or a file: .csv (name,x,y,z"
        " in um) or .elc",
    )
    group.add_argument("--pick", type=head_options.names, metavar="A[,B]...", help="only these")
    group.add_argument(
        "--project", action="store_true", help="move the electrodes of a file onto the scalp"
    )
    group.add_argument(
        "--scalp-radius",
        type=options.positive,
        metavar="UM",
        help="where a named montage lies in the infinite medium, um (90000)",
    )
    group.add_argument(
        "--reference",
        default=vocabulary.NONE,
        metavar="none|average|NAME",
        help="the potentials are against a far point, the mean of all, or an electrode (none)",
    )


def run(args: argparse.Namespace) -> None:
    """Compute."""
    from lfpcli.model.head import Eeg

    table = Eeg(
        **head_options.placement(args),
        model=args.model,
        radii=args.radii,
        sigmas=args.sigmas,
        tolerance=args.tolerance,
        montage=args.montage,
        pick=args.pick,
        project=args.project,
        scalp_radius=args.scalp_radius,
        head_model=args.head_model,
        reference=args.reference,
    )
    head_options.compute(args, table)
