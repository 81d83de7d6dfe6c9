"""Chance. Every draw comes from the seed and the name of what is drawn, never from the order of events, so
that the same seed gives the same world whatever the scheduling."""

from random import Random


def rng(seed: int, *names: object) -> Random:
    """Give the source of chance for one named thing."""
    return Random(":".join(str(part) for part in (seed, *names)))


def jittered(source: Random, seconds: float, jitter: float) -> float:
    """Vary a duration by up to ± jitter (a share of it)."""
    return max(0.0, seconds * (1 + source.uniform(-jitter, jitter)))
