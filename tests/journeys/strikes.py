"""Real kills at named places: who strikes where, and the marks that outlive the process.

A folder's `plan.json` names per order or message one place, before or after one call, and a victim: the process that
reads the plan, or a server. Who reaches its place stands still a moment for company; then the victim gets one SIGKILL
and everyone that stands at its place is marked as struck, durably, so that it is struck once. When the victim is a
server, the calls go on as soon as it is gone.
"""

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

from tests.faults import When

T = TypeVar("T")
LOOK_SECONDS = 0.01
PLAN, MARKS = "plan.json", "struck"
CALL: ContextVar[tuple[str, str]] = ContextVar("CALL", default=("", ""))
"""For whom a mortal port works now, and the call: so that a place inside of the call can be named."""


@dataclass(frozen=True, slots=True)
class Strike:
    """Where one order's (or message's) strike comes and whom it hits; without `pid_file` the process itself."""

    no: str
    method: str
    when: When
    pid_file: str = ""


def write_plan(folder: Path, strikes: list[Strike]) -> None:
    """Write the plan for the process."""
    (folder / MARKS).mkdir()
    (folder / PLAN).write_text(json.dumps([asdict(strike) for strike in strikes]))


def struck(folder: Path) -> set[str]:
    """Say whose strikes have come."""
    return {mark.name for mark in (folder / MARKS).iterdir()}


def lives(pid: int) -> bool:
    """Say whether a process runs; one that is dead and not yet buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@dataclass
class Strikes:
    """The strikes that are still to come, and who stands at its place now."""

    folder: Path
    company_seconds: float = 1.0
    waiting: dict[str, list[str]] = field(default_factory=dict)
    blows: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        plan = json.loads((self.folder / PLAN).read_text())
        done = struck(self.folder)
        self.places = {(one["no"], one["method"], one["when"]): Strike(**one) for one in plan if one["no"] not in done}

    async def at(self, no: str, method: str, when: When) -> None:
        """Stand here until the victim is dead, if this is the place of `no`."""
        strike = self.places.get((no, method, when))
        if strike is None:
            return
        victim = strike.pid_file
        if victim not in self.blows:
            self.blows[victim] = asyncio.create_task(self._strike(victim))
        blow = self.blows[victim]
        here = self.waiting.setdefault(victim, [])
        here.append(no)
        try:
            await asyncio.shield(blow)
        finally:
            if no in here:
                here.remove(no)

    async def _strike(self, victim: str) -> None:
        await asyncio.sleep(self.company_seconds)
        pid = await self._pid(victim)
        struck_now = set(self.waiting.pop(victim, []))
        for no in struck_now:
            self._mark(no)
        self.places = {place: one for place, one in self.places.items() if one.no not in struck_now}
        if struck_now:
            os.kill(pid, signal.SIGKILL)
        while struck_now and lives(pid):
            await asyncio.sleep(LOOK_SECONDS)
        del self.blows[victim]

    async def _pid(self, victim: str) -> int:
        """Give the victim's process id, as soon as it runs."""
        if not victim:
            return os.getpid()
        while not lives(pid := int(Path(victim).read_text())):
            await asyncio.sleep(LOOK_SECONDS)
        return pid

    def _mark(self, no: str) -> None:
        handle = os.open(self.folder / MARKS / no, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.fsync(handle)
        os.close(handle)


class _Mortal:
    def __init__(self, port: object, strikes: Strikes, whose: Callable[..., str]) -> None:
        self._port = port
        self._strikes = strikes
        self._whose = whose

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        inner, strikes = getattr(self._port, name), self._strikes

        async def call(*arguments: Any) -> Any:
            no = self._whose(*arguments)
            await strikes.at(no, name, When.BEFORE)
            outer = CALL.set((no, name))
            try:
                result = await inner(*arguments)
            finally:
                CALL.reset(outer)
            await strikes.at(no, name, When.AFTER)
            return result

        return call


def mortal(port: T, strikes: Strikes, whose: Callable[..., str]) -> T:
    """Put the strikes around every call of a port; `whose` reads the order or message out of a call's arguments."""
    return cast(T, _Mortal(port, strikes, whose))
