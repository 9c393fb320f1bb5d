"""What the machine offers."""

import os


def cores() -> int:
    """Cores that this process may use."""
    # A container or ``taskset`` may grant fewer cores than the machine has.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
