"""A fit of the Allen Cell Types Database in small, made up."""

FIT = {
    "passive": [{"ra": 100.0, "cm": [{"section": "soma", "cm": 1.5}], "e_pas": -80.0}],
    "conditions": [
        {"celsius": 34.0, "v_init": -80.0, "erev": [{"section": "soma", "ena": 53.0, "ek": -107.0}]}
    ],
    "genome": [
        {"section": "soma", "name": "gnabar_hh", "value": "0.2", "mechanism": "hh"},
        {"section": "dend", "name": "g_pas", "value": 2e-4, "mechanism": ""},
    ],
}
