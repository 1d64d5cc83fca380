"""Words that the command line, the model file and the library share: choices, defaults, names.

Each stands here once, so that an option, a key and an argument take the same words and mean the
same. Standard library only, since the commands' options are made of it before anything heavy is
imported.
"""

from __future__ import annotations

from typing import Final

STDIN: Final = "-"
"""Name of standard input, and of standard output, where a file is named."""

# what a signal or a dipole is split into
TOTAL: Final = "total"
GROUPS: Final = (TOTAL, "population", "cell")
"""Totals alone, or also the part of each population or cell."""
RESERVED: Final = (TOTAL,)
"""Names that no population can have, since groups in a recording have them."""
CURRENT: Final = "current"
NAMED_GROUP: Final = "group"
PROJECTION: Final = "projection"
SHARES: Final = (*GROUPS, CURRENT, NAMED_GROUP, PROJECTION)
"""What the signal of a probe is split into: groups of cells, kinds of current, groups of segments
that the model names, or the synaptic currents of each of its connections and inputs."""
NONE: Final = "none"

# sources, contacts and media of extracellular potentials
METHODS: Final = ("point", "line", "soma-point")
"""Segments as point sources, as line sources, or all but the somata as line sources."""
METHOD: Final = "line"
SHAPES: Final = ("circle", "square", "rect")
"""Shapes of the face of a contact."""
ARRAY_SIZE: Final = "array"
"""Size of a face that the array itself states."""
INFINITE: Final = "infinite"
HALF_SPACE: Final = "half-space"
MEDIA: Final = (INFINITE, HALF_SPACE)
LEAD_FORMAT: Final = "lfp-lead-grids"
"""Media that need no parameters."""
SIGMA: Final = 0.3
"""Extracellular conductivity, S/m."""

COLOURS: Final = ("white", "pink", "brown")
"""Colours of noise."""

# head models
EEG_MODELS: Final = (INFINITE, "homogeneous-sphere", "four-sphere", "lead-field")
EEG_MODEL: Final = "four-sphere"
MEG_MODELS: Final = ("spherical", INFINITE, "lead-field")
MEG_MODEL: Final = "spherical"
LFPYKIT: Final = "lfpykit:"
"""What names of LFPykit's classes begin with."""
LFPYKIT_EEG: Final = {
    "lfpykit:FourSphereVolumeConductor": "four-sphere",
    "lfpykit:InfiniteVolumeConductor": INFINITE,
}
"""Classes of LFPykit that commands measure an EEG with, each with the model it is held against."""
LFPYKIT_MEG: Final = {
    "lfpykit:SphericallySymmetricVolCondMEG": "spherical",
    "lfpykit:InfiniteHomogeneousVolCondMEG": INFINITE,
}
"""The same for an MEG."""
QUANTITIES: Final = ("B", "H")
"""Magnetic flux density in T, or field strength in nA/um."""
NEW_YORK_HEAD: Final = "NYhead"
"""Name of the checked copy of the New York head in the cache."""
HELMETS: Final = ("helmet", "helmet-306")
"""Helmets that need no file: magnetometers, or with two planar gradiometers beside each."""
MONTAGE_SUFFIXES: Final = (".csv", ".txt", ".elc")
SENSOR_SUFFIXES: Final = (".csv", ".txt", ".fif", ".fif.gz")

# the geometry of cells and arrays
AXES: Final = ("x", "y", "z")
RANDOM: Final = "random"
TURNS: Final = ("any", "x", "y", "z", "none")
"""How placed cells are turned: anyhow, about an axis, or not."""
TILT: Final = "tilt"
"""Begin of the word for cells turned anyhow whose z axis stays within so many degrees of z."""
MEAREC_TURNS: Final = {
    "norot": "none",
    "xrot": "x",
    "yrot": "y",
    "zrot": "z",
    "3drot": "any",
    "physrot": "tilt15",
}
"""Modes of rotation of MEArec, and what each is after a turn by 90 degrees about x."""
SPIKES: Final = ("mean", "rest", "first", "last")
"""Which spikes of a run templates show: the mean of all, of all but the first, or one of them."""
SECTION_TYPES: Final = ("soma", "dend", "apic", "axon")
ALL: Final = "all"
NSEG_RULES: Final = ("d_lambda", "length", "lfpy", "allen", "fixed", "keep")
PLACE_SHAPES: Final = ("cylinder", "grid")
ORIGINS: Final = ("soma", "file")
"""Where a cell stands that nothing places: with its soma at the origin, or as in its file."""
ALL_ACTIVE: Final = "all-active"
AXON_STUBS: Final = ("perisomatic", ALL_ACTIVE)
"""What replaces the axon of cells of the Allen Institute."""
MOST_SEGMENTS: Final = 32767
"""Segments of a section that NEURON takes."""
MOST_SEGMENTS_OF_CELL: Final = 1 << 20
"""Segments of a cell; more come of lengths that are not in um."""
D_LAMBDA: Final = 0.1
D_LAMBDA_FREQUENCY: Final = 100.0
"""Hz at which the length constant is taken."""

# runs
STANDARD_INIT: Final = "standard"
INITS: Final = ("model", STANDARD_INIT)
"""Whose init() and advance() a run calls: those that the model defines, or NEURON's own."""
ENGINES: Final = ("auto", "neuron", "coreneuron")
ENGINE: Final = "auto"
AUTO_RANKS: Final = "auto"
"""As many processes as the machine has cores for."""
ADAPTIVE: Final = "adaptive"
INTEGRATORS: Final = ("backward-euler", "crank-nicolson")
"""Methods of the fixed time step, of first and of second order."""
DT: Final = 0.025
"""Time step, ms, that of NEURON."""
TSTOP: Final = 100.0
"""End of a run, ms."""
V_INIT: Final = -65.0
"""Membrane potential at the start of a run, mV."""
CELSIUS: Final = 6.3
"""Temperature, degrees C."""
VMEM: Final = ("soma", ALL, NONE)
"""Membrane potentials that are kept."""
GATES: Final = ("linear", "held")
"""What gates of channels do about a working point: follow the potential linearly, or stay."""
RULES: Final = (
    "probability",
    "indegree",
    "outdegree",
    "total",
    "all",
    "one_to_one",
    "pairs",
    "edges",
    "density",
)
GAP_JUNCTION: Final = "gap"
"""Type of a synapse that is a gap junction."""
EVENT: Final = "event"
"""Type of what leads to an artificial cell, which takes events as they are."""
"""Rules of which cells connect."""

# short forms of the command line
QUICK_SYNAPSE: Final = "Exp2Syn:tau1=0.2,tau2=2,e=0"
PASSIVE_G: Final = 1e-3
PASSIVE_E: Final = -70.0
"""S/cm2 and mV of a leak that is asked for without values, as in LFPy and NEURON."""
QUICK_PASSIVE: Final = "g=1e-3,e=-70"

# figures
ACCENT: Final = "#3d93cd"
"""Blue of subjects and bars in a terminal, as of the first population on dark ground."""
PLOT_STYLES: Final = ("paper", "talk", "dark")
SIGNAL_FORMS: Final = ("auto", "traces", "image")
VIEWS: Final = ("xz", "yz", "xy")
"""Planes that cells are drawn in."""
MAP_SCALES: Final = ("log", "linear")
"""Colours of a map of potentials."""
FILM_FORMATS: Final = ("gif", "apng", "mp4")
# pictures of a film at most, and a second
FILM_FRAMES: Final = 60
FILM_RATE: Final = 15.0
FIGURE_FORMATS: Final = ("png", "pdf", "svg", "html", *FILM_FORMATS)
CSD_METHODS: Final = ("standard", "icsd", "kcsd")
"""How lfp stats estimates a current source density."""
NORMS: Final = ("peak", "value")
"""What a relative tolerance refers to: the peak of a dataset, or each value."""

# files by their suffixes
MODEL_SUFFIXES: Final = (".toml", ".json")
MORPHOLOGY_SUFFIXES: Final = (".swc", ".asc", ".hoc", ".xml", ".nml", ".h5")
ARRAY_SUFFIXES: Final = (".csv", ".txt", ".yaml", ".yml", ".json")
