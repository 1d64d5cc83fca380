"""Circuits and simulations in the dialect of neurodamus.

Facts of the format are those of SONATA's extension by the Blue Brain Project
(sonata-extension.readthedocs.io); what it leaves open is as neurodamus does it.
"""
