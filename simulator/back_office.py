"""The staff of a shop who answer cases on the platform's own pages, where its interface takes no answers."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from simulator.cases import Cases, NotNow, SaleCase
from simulator.market import Surroundings
from simulator.seeds import jittered, rng


class BackOffice:
    """Agrees to every case of one shop after a while: the goods first, where they are to come back."""

    def __init__(self, around: Surroundings, name: tuple[str, str]) -> None:
        self._around = around
        around.cases.staff[name] = self.see

    def see(self, case: SaleCase) -> None:
        """Take note of a case that came to a state."""
        act = _ACTS.get((case.kind != "refund", case.state))
        if act is not None:
            self._around.tasks.spawn(self._answer(case, case.state, act))

    async def _answer(self, case: SaleCase, state: str, act: Callable[[Cases, SaleCase], None]) -> None:
        profile = self._around.profile
        source = rng(self._around.seed, "staff", case.no, state)
        await asyncio.sleep(jittered(source, profile.case_return_after, profile.jitter))
        if case.state == state:  # else something came in between
            with suppress(NotNow):
                act(self._around.cases, case)


def _settle(cases: Cases, case: SaleCase) -> None:
    if case.kind == "exchange":
        cases.ship(case)
    else:
        cases.agree_refund(case)


_ACTS: dict[tuple[bool, str], Callable[[Cases, SaleCase], None]] = {
    (False, "asked"): Cases.agree_refund,
    (True, "asked"): Cases.agree_return,
    (True, "sent"): _settle,
}
"""By whether goods come back, and how far the case is."""
