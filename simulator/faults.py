"""Weak vendors: outages, random errors, lost and slow answers, put before the simulator's own addresses.

Owns when a vendor fails; what it would have answered is the vendor's file. /sim/ never fails.
"""

import asyncio
from time import monotonic
from typing import get_args

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simulator.seeds import rng
from simulator.settings import Outage, OutageMode, Profile, Target
from simulator.tally import Tally

_PREFIXES: tuple[tuple[str, Target], ...] = (
    ("/router/qimen/", "wms"),
    ("/router/rest", "taobao"),
    ("/order/", "douyin"),
    ("/token/", "douyin"),
    ("/sku/", "douyin"),
    ("/Ebusiness/", "courier"),
    ("/api/dist", "courier"),
    ("/own/", "shop"),
    ("/v3/", "payment"),
)


def target_of(path: str) -> Target | None:
    return next((target for prefix, target in _PREFIXES if path.startswith(prefix)), None)


class Faults:
    """Says which fault, if any, a vendor has now."""

    def __init__(self, profile: Profile, tally: Tally, seed: int) -> None:
        self._profile = profile
        self._seed = seed
        self._calls = 0
        self._outages: list[tuple[Outage, float]] = []
        self.tally = tally

    def schedule(self) -> None:
        """Count the planned outages from now."""
        for outage in self._profile.outages:
            self.begin(outage)

    def begin(self, outage: Outage) -> None:
        """Let one outage begin, `after_seconds` from now."""
        self._outages.append((outage, monotonic() + outage.after_seconds))

    def outage(self, target: Target) -> OutageMode | None:
        at = monotonic()
        for outage, begins in self._outages:
            if outage.target == target and begins <= at < begins + outage.seconds:
                return outage.mode
        return None

    def ongoing(self) -> list[Target]:
        """List the vendors that cannot be reached now."""
        return [target for target in get_args(Target) if self.outage(target) is not None]

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
        mode = self._faults.outage(target)
        if mode is not None:
            self._faults.tally.faults[f"{target}_{mode}"] += 1
            await _fail(mode, scope, receive, send)
            return
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
        try:
            while (await receive())["type"] != "http.disconnect":
                pass
        except asyncio.CancelledError:
            # The simulator itself is ending: let the caller go instead of ending in a traceback.
            await _unavailable(scope, receive, send)
    elif mode == "refuse":
        headers = {"Connection": "close"}
        await PlainTextResponse("bad gateway", 502, headers)(scope, receive, send)
    else:
        await _unavailable(scope, receive, send)


async def _unavailable(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("service unavailable", 503)(scope, receive, send)


async def _swallow(_message: Message) -> None:
    return
