"""Chance. Every draw comes from the seed and the name of what is drawn, never from the order of events, so
that the same seed gives the same world whatever the scheduling."""

from random import Random

# So many in a row draw from one shuffled hand: a share of 1/20 is exactly one of them.
HAND = 20


def rng(seed: int, *names: object) -> Random:
    """Give the source of chance for one named thing."""
    return Random(":".join(str(part) for part in (seed, *names)))


def draw_evenly(seed: int, what: str, n: int, source: Random) -> float:
    """Draw from 0 to 1 for the nth of a row, evenly over every hand of so many in a row."""
    hand, place = divmod(n, HAND)
    places = list(range(HAND))
    rng(seed, what, hand).shuffle(places)
    return (places[place] + source.random()) / HAND


class Lots:
    """Lots drawn for what comes, in its order, dealt evenly: of every 20 in a row a share of 0.05 is exactly one."""

    def __init__(self, seed: int, what: str, share: float) -> None:
        self._seed = seed
        self._what = what
        self._share = share
        self._drawn = 0

    def draw(self) -> bool:
        """Draw the next lot."""
        n, self._drawn = self._drawn, self._drawn + 1
        return draw_evenly(self._seed, self._what, n, rng(self._seed, self._what, "lot", n)) < self._share


def jittered(source: Random, seconds: float, jitter: float) -> float:
    """Vary a duration by up to ± jitter (a share of it)."""
    return max(0.0, seconds * (1 + source.uniform(-jitter, jitter)))
