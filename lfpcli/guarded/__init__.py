"""Files from strangers: HDF5 and NumPy's formats, opened so that no file harms its reader."""
