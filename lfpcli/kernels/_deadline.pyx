"""The end of a process that was asked to end, wherever it is.

Python's handlers run between its own instructions; a loop inside HDF5 or NEURON never gets there.
So a handler below Python's begins a countdown, after which the process ends, without tidying up but
for its temporary files.
"""

cdef extern from "deadline.h" nogil:
    int deadline_watch(int number, unsigned seconds)
    int deadline_watched(int number)
    void deadline_cancel()
    int deadline_add(const char *path)
    void deadline_drop(int slot)


def watch(int number, unsigned int seconds):
    """Begin a countdown of some seconds where a signal comes, which has a handler of Python; 0 keeps them."""
    if deadline_watch(number, seconds):
        raise OSError(f"signal {number} cannot be watched")


def watched(int number):
    """Whether a signal begins a countdown."""
    return bool(deadline_watched(number))


def cancel():
    """End the countdown: the signal was taken care of."""
    deadline_cancel()


def add_file(bytes path):
    """Have a file removed where the time is up; returns its slot, -1 where all are taken."""
    return deadline_add(path)


def drop_file(int slot):
    """Leave the file of a slot alone from here on."""
    deadline_drop(slot)
