"""What a long-running process tells Python's collector. Owns when it looks for garbage."""

import gc

FEW = (20_000, 20, 50)
"""How many objects more, and how many looks at the young, until it looks: Python's own is 700 and 10."""


def settle() -> None:
    """Leave what is loaded by now out of every later look, and look more seldom; call it before the work begins.

    Nearly all garbage of ours is freed without the collector; what it is for, circles, is little per message and waits.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*FEW)
