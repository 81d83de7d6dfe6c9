"""Weak vendors: outages, random errors, lost and slow answers, put before the simulator's own addresses.

Owns when a vendor fails; what it would have answered is the vendor's file. /sim/ never fails.
"""

import asyncio
from collections import Counter
from time import monotonic
from typing import cast, get_args

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simulator.seeds import rng
from simulator.settings import Hang, Outage, OutageMode, Profile, Target
from simulator.settings_shops import SellerVendor
from simulator.tally import Tally

_PREFIXES: tuple[tuple[str, Target], ...] = (
    ("/router/qimen/", "wms"),
    ("/router/rest", "taobao"),
    ("/order/", "douyin"),
    ("/afterSale/", "douyin"),
    ("/token/", "douyin"),
    ("/sku/", "douyin"),
    ("/Ebusiness/", "courier"),
    ("/api/dist", "courier"),
    ("/own/", "shop"),
    ("/v3/", "payment"),
    ("/gateway.do", "payment"),
    ("/v1/", "payment"),
)


def target_of(path: str) -> Target | None:
    first = path.split("/", 2)[1] if path.startswith("/") else ""
    if first in get_args(SellerVendor):
        return cast(Target, first)
    return next((target for prefix, target in _PREFIXES if path.startswith(prefix)), None)


class Faults:
    """Says which fault, if any, a vendor has now."""

    def __init__(self, profile: Profile, tally: Tally, seed: int) -> None:
        self._profile = profile
        self._seed = seed
        self._calls = 0
        self._called: Counter[Target] = Counter()
        self._planned: list[Outage] = []
        self._heard = [0] * len(profile.hangs)
        self._outages: list[tuple[Outage, float]] = []
        self.tally = tally

    def schedule(self) -> None:
        """Count the planned outages from now."""
        for outage in self._profile.outages:
            self.begin(outage)

    def begin(self, outage: Outage) -> None:
        """Let one outage begin, `after_seconds` from now or with a call that is still to come."""
        if outage.call is not None:
            self._planned.append(outage)
        else:
            self._outages.append((outage, monotonic() + outage.after_seconds))

    def note_call(self, target: Target) -> None:
        """Count a call; the outages that wait for it begin."""
        self._called[target] += 1
        due = [one for one in self._planned if one.target == target and (one.call or 0) <= self._called[target]]
        for outage in due:
            self._planned.remove(outage)
            self._outages.append((outage, monotonic()))

    def outage(self, target: Target) -> OutageMode | None:
        at = monotonic()
        for outage, begins in self._outages:
            if outage.target == target and begins <= at < begins + outage.seconds:
                return outage.mode
        return None

    def ongoing(self) -> list[Target]:
        """List the vendors that cannot be reached now."""
        return [target for target in get_args(Target) if self.outage(target) is not None]

    def hang(self, target: Target, words: str) -> Hang | None:
        """Say whether this call is one that is never answered; `words` are its method and address."""
        found = None
        for n, hang in enumerate(self._profile.hangs):
            if hang.target == target and hang.about in words:
                self._heard[n] += 1
                found = hang if self._heard[n] == hang.call else found
        return found

    def weakness(self, target: Target) -> tuple[bool, bool, float]:
        """Draw for one call: answered 503, answer lost after the work, seconds of slowness."""
        self._calls += 1
        source, profile = rng(self._seed, "fault", target, self._calls), self._profile
        error, lost, slow = (source.random() for _ in range(3))
        seconds = profile.slow_seconds if slow < profile.slow_share else 0.0
        return error < profile.error_share, lost < profile.lost_answer_share, seconds


class FaultyVendors:
    """ASGI middleware that applies the faults."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        target = target_of(scope["path"]) if scope["type"] == "http" else None
        if target is None:
            await self._app(scope, receive, send)
            return
        self._faults.note_call(target)
        mode = self._faults.outage(target)
        if mode is not None:
            self._faults.tally.faults[f"{target}_{mode}"] += 1
            self._faults.tally.faults[f"{target}_outage_calls"] += 1
            await _fail(mode, scope, receive, send)
            return
        words = f"{scope['method']} {scope['path']}?{scope['query_string'].decode('latin-1')}"
        hang = self._faults.hang(target, words)
        if hang is not None:
            await self._never_answer(hang, scope, receive, send)
            return
        await self._weakly(target, scope, receive, send)

    async def _never_answer(self, hang: Hang, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the caller wait until it gives up; on the way do what it asked for, if it shall be done."""
        if hang.done:
            scope["unheard"] = True
            await self._app(scope, receive, _swallow)
        await _hang(scope, receive, send)
        name = "done_unanswered" if hang.done else "unanswered"
        self._faults.tally.faults[f"{hang.target}_{name}"] += 1

    async def _weakly(self, target: Target, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer late, not at all or well, as chance has it."""
        error, lost, seconds = self._faults.weakness(target)
        if seconds:
            self._faults.tally.faults[f"{target}_slow"] += 1
            await asyncio.sleep(seconds)
        if error:
            self._faults.tally.faults[f"{target}_error"] += 1
            await _unavailable(scope, receive, send)
        elif lost:
            # The work is done but the caller cannot know: the hardest case for idempotency.
            self._faults.tally.faults[f"{target}_lost_answer"] += 1
            scope["unheard"] = True
            await self._app(scope, receive, _swallow)
            await _unavailable(scope, receive, send)
        else:
            await self._app(scope, receive, send)


async def _fail(mode: OutageMode, scope: Scope, receive: Receive, send: Send) -> None:
    if mode == "hang":
        await _hang(scope, receive, send)
    elif mode == "refuse":
        headers = {"Connection": "close"}
        await PlainTextResponse("bad gateway", 502, headers)(scope, receive, send)
    else:
        await _unavailable(scope, receive, send)


async def _hang(scope: Scope, receive: Receive, send: Send) -> None:
    """Wait until the caller goes away."""
    try:
        while (await receive())["type"] != "http.disconnect":
            pass
    except asyncio.CancelledError:
        # The simulator itself is ending: let the caller go instead of ending in a traceback.
        await _unavailable(scope, receive, send)


async def _unavailable(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("service unavailable", 503)(scope, receive, send)


async def _swallow(_message: Message) -> None:
    return
