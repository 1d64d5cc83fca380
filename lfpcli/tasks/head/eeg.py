"""EEG: potentials on the head from current dipole moments."""

from __future__ import annotations

from dataclasses import replace

from lfpcli.tasks.head.models import EegModel, open_eeg
from lfpcli.tasks.head.signals import Job, Placement, head_signals


def eeg(
    job: Job, placement: Placement, model: EegModel, *, check: bool = False
) -> dict[str, float]:
    """Write the EEG of a recording; arguments and result as `head_signals`.

    The signal holds the potentials of the electrodes, mV.
    """
    with open_eeg(model) as channels:
        inputs = [*job.inputs, *model.input_files()]
        return head_signals(
            replace(job, model=model.name, inputs=inputs),
            placement,
            {job.name: channels},
            check=check,
        )
