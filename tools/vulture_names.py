"""Names that vulture takes for dead, and who uses them: ``vulture`` (see pyproject.toml).

A name that nothing in the package uses belongs here with who does, or away.
"""

# Python itself asks the package for them
__getattr__
__dir__

# the public names of the package are looked up by their text, see lfpcli/__init__.py
InfiniteVolumeConductor
InfiniteHomogeneousVolCondMEG
SphericallySymmetricVolCondMEG
CurrentDipoleMoment
LineSourcePotential
RecMEAElectrode
OneSphereVolumeConductor
LaminarCurrentSourceDensity
VolumetricCurrentSourceDensity
NYHeadModel

# methods and attributes that LFPy's and LFPykit's models have, for scripts that use them
_.get_dipole_potential
_.calculate_B
_.grid_shape
_.rotate_dipole_to_surface_normal
_.find_closest_electrode
_.tvec
_.somav
_.get_axial_resistance
_.get_axial_currents_from_vmem
_.get_multi_current_dipole_moments
_.get_transformation_matrix_vmem_to_imem
_.set_rotation
_.get_closest_idx
_.set_spike_times
_.enable_extracellular_stimulation
# LFPykit's models call them on the cell that they squeeze
_._set_length
_._set_area

# calls of the library for scripts, which no command needs
write_probeinterface
to_mne
to_spikeinterface
to_pandas
to_xarray

# argparse reads it: what looks like a negative number is one
_._negative_number_matcher

# h5py's and hdmf's interfaces, called by them while a file is written
_._get_data
_._get_maxshape
_._get_dtype
_.resolution
_._AbstractContainer__object_id

# NEURON reads these
_.steps_per_ms
_.enable
_.lfp_loader_
# rewritten hoc code calls it
_.load_named
# fields of a structure that the C code of the tap reads
_.current_nodes
_.is_placed
_.potential_nodes
_.capacity

# tests/model/test_model_manual.py says how to call it when a key changes
refresh
# a field of the plan that `lfp sim --dry-run --json` prints
rank_0_bytes
