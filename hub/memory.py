"""The interpreter of a process that judges: its collector of garbage, its turns of threads."""

import gc
import sys

# The writer's thread asks for the interpreter after every statement; at Python's own 5 ms a commit
# waited longer for it than for the disk (measured: a third more messages a second).
SWITCH_INTERVAL_S = 0.0005
GC_THRESHOLDS = (50_000, 20, 100)  # objects that are new, then generations


def settle_memory() -> None:
    """What was built at the start stays: the collector need not look at it again and again.

    Entries come and go by reference count; a collection over thousands of standings for every few
    hundred of them took a third of the judge's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
