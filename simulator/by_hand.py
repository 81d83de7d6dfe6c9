"""Shops whose after-sales cases a person answers on the platform's own pages, for no call for it is documented."""

import asyncio

from simulator.cases import NotNow, SaleCase
from simulator.market import Stall, Surroundings
from simulator.seeds import jittered, rng
from simulator.settings_shops import Seller

ANSWERED = frozenset({"asked", "sent"})


class HandAnswered(Stall):
    """One such shop; `answer_by_hand` is called when a case came to a state."""

    def __init__(self, settings: Seller, around: Surroundings) -> None:
        super().__init__(settings, around)
        self._live = around

    def answer_by_hand(self, case: SaleCase) -> None:
        """Let somebody agree after a while, where the case waits for the seller."""
        if case.state in ANSWERED:
            self._live.tasks.spawn(self._by_hand(case, case.state))

    async def _by_hand(self, case: SaleCase, state: str) -> None:
        source = rng(self.seed, "by hand", case.no, state)
        await asyncio.sleep(jittered(source, self._live.profile.case_return_after, self._live.profile.jitter))
        if case.state != state:
            return
        try:
            if state == "asked" and case.kind != "refund":
                self.answers.agree_return(case)
            elif case.kind == "exchange":
                self.answers.ship(case)
            else:
                self.answers.agree_refund(case)
        except NotNow:
            self.counts["cases_overtaken"] += 1
