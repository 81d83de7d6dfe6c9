"""What came back, counted as what was sold (AFT-3, AFT-6): a bundle is back when all of its components are.

Owns the arithmetic between the units a warehouse counts, by SKU, and the lines of a case. Units throughout.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.bundles import Composed


@dataclass(frozen=True, slots=True)
class Back:
    """Units of one line that are back: good, damaged (a bundle with one damaged part is), and `begun`.

    `begun` units are bundles of which something came and something is missing; a person says what they are worth.
    """

    good: int
    damaged: int
    begun: int = 0

    @property
    def whole(self) -> int:
        """Units that are back, in whatever state."""
        return self.good + self.damaged


class _Heap:
    """What came and belongs to no line yet, by SKU."""

    def __init__(self, came: Mapping[str, tuple[int, int]]) -> None:
        self._good = Counter({sku: good for sku, (good, _) in came.items()})
        self._damaged = Counter({sku: damaged for sku, (_, damaged) in came.items()})

    def back(self, line: Composed) -> Back:
        """Take as many whole units of a line as there are, as many of them good as can be."""
        good = _complete(line, self._good)
        whole = _complete(line, self._good + self._damaged)
        all_needed, good_needed = line.needs(whole), line.needs(good)
        for sku, units in all_needed.items():
            damaged = min(self._damaged[sku], units - good_needed[sku])
            self._damaged[sku] -= damaged
            self._good[sku] -= units - damaged
        return Back(good, whole - good)

    def begun(self, line: Composed, most: int) -> int:
        """Take what is left of the parts of a line's bundles that are not whole; give how many that touches."""
        left = self._good + self._damaged
        units = min(most, max(-(-left[sku] * line.quantity // n) for sku, n in line.parts.items()))
        for sku, n in line.needs(units).items():
            damaged = min(self._damaged[sku], n)
            self._damaged[sku] -= damaged
            self._good[sku] -= min(self._good[sku], n - damaged)
        return units


def _complete(line: Composed, there: Mapping[str, int]) -> int:
    return min(line.quantity, *(there.get(sku, 0) * line.quantity // n for sku, n in line.parts.items()))


def came_back(lines: Sequence[Composed], came: Mapping[str, tuple[int, int]]) -> dict[str, Back]:
    """Spread what came, by SKU good and damaged, over lines: whole bundles first, then single goods, then the rest."""
    heap = _Heap(came)
    found = {line.line_no: heap.back(line) for line in sorted(lines, key=lambda one: not one.is_bundle)}
    for line in lines:
        back = found[line.line_no]
        if line.is_bundle and back.whole < line.quantity:
            found[line.line_no] = Back(back.good, back.damaged, heap.begun(line, line.quantity - back.whole))
    return found


def differences(lines: Sequence[Composed], came: Mapping[str, tuple[int, int]]) -> str:
    """Say what is missing, too many, or something else, and which bundles are not whole; empty when all is there."""
    announced: Counter[str] = Counter()
    for line in lines:
        announced.update(line.parts)
    there = {sku: good + damaged for sku, (good, damaged) in came.items()}
    wrong = [f"{sku} {there.get(sku, 0)} of {n}" for sku, n in sorted(announced.items()) if there.get(sku, 0) != n]
    wrong += [f"{sku} was not announced" for sku in sorted(set(there) - set(announced))]
    back = came_back(lines, came)
    broken = [(line, back[line.line_no].whole) for line in lines if line.is_bundle]
    wrong += [f"{line.sku} whole {n} of {line.quantity}" for line, n in broken if n < line.quantity]
    return "; ".join(wrong)
