"""What a long-running process tells Python's collector. Owns when it looks for garbage."""

import gc

FEW = (20_000, 10, 5)
"""How many objects more until it looks at the young, after how many looks at what stayed, and then at all.

Python's own is 700, 10 and 10. A workflow that has ended is a circle of few objects and 90 KB: with 20 and 50
hundreds of them stayed for half an hour (the soak of tests/journeys/test_soak.py).
"""


def settle() -> None:
    """Leave what is loaded by now out of every later look, and look more seldom; call it before the work begins.

    Nearly all garbage of ours is freed without the collector; what it is for, circles, may wait a little.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*FEW)
