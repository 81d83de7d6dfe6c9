"""Messages on their way to the gateway: retried like a real platform does, doubled and reordered if told.

Owns patience and mischief; what a message says and how its answer reads belongs to each vendor's file.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from time import monotonic

import httpx

from simulator.seeds import jittered, rng
from simulator.settings import Profile, Target
from simulator.tally import Tally, Tasks

DUPLICATES_WITHIN_SECONDS = 0.5
TOO_MANY_REQUESTS = 429
MOST_OPEN = 24


class Verdict(Enum):
    ACCEPTED = auto()
    REFUSED = auto()
    AGAIN = auto()


@dataclass(frozen=True)
class Request:
    url: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Letter:
    """One message. It is signed anew for each attempt, because signatures grow old during an outage."""

    source: Target
    name: str
    sign: Callable[[], Request]
    read: Callable[[httpx.Response], Verdict]
    done: Callable[[Verdict], None] = lambda _verdict: None


def verdict_of_status(status: int) -> Verdict:
    """Judge an answer by its HTTP status alone."""
    if status == TOO_MANY_REQUESTS or status >= 500:
        return Verdict.AGAIN
    return Verdict.ACCEPTED if 200 <= status < 300 else Verdict.REFUSED


class Sender:
    """Sends letters until they are taken, refused, or the limit is reached."""

    def __init__(self, client: httpx.AsyncClient, tally: Tally, tasks: Tasks, profile: Profile, seed: int) -> None:
        self._client = client
        self._tally = tally
        self._tasks = tasks
        self._profile = profile
        self._seed = seed
        # The client's own queue costs time quadratic in what waits, so that it is kept short here.
        self._open = asyncio.Semaphore(MOST_OPEN)

    def lane(self, source: Target, *, dead: bool = False) -> "Lane":
        return Lane(self, self._tasks, dead=dead or source in self._profile.push_dead)

    def count(self, fault: str) -> None:
        self._tally.faults[fault] += 1

    async def send(self, letter: Letter) -> None:
        """Send the letter, and its copies if chance makes some; return when every copy has its answer."""
        source = rng(self._seed, "duplicate", letter.name)
        copies = source.choice((1, 2)) if source.random() < self._profile.duplicate_share else 0
        self._tally.webhooks += 1
        self._tally.faults["duplicated"] += copies
        self._tally.faults["sent_repeatedly"] += copies > 0
        pauses = [0.0] + [source.uniform(0, DUPLICATES_WITHIN_SECONDS) for _ in range(copies)]
        self._tally.undelivered += len(pauses)
        await asyncio.gather(*(self._send_one(letter, n, pause) for n, pause in enumerate(pauses)))

    async def _send_one(self, letter: Letter, copy: int, pause: float) -> None:
        await asyncio.sleep(pause)
        source = rng(self._seed, "retry", letter.name, copy)
        gives_up = monotonic() + self._profile.retry_limit
        delay, refused = self._profile.retry_first, 0
        while True:
            verdict, status, text = await self._attempt(letter)
            if verdict is Verdict.REFUSED and refused < self._profile.retry_4xx:
                refused += 1
            elif verdict is not Verdict.AGAIN or monotonic() >= gives_up:
                break
            self._tally.faults["retried"] += 1
            await asyncio.sleep(jittered(source, delay, self._profile.jitter))
            delay = min(delay * 2, self._profile.retry_longest)
        self._close(letter, verdict, status, text)

    async def _attempt(self, letter: Letter) -> tuple[Verdict, int, str]:
        try:
            async with self._open:
                # Signed only now: the wait for a free place must not age the signature.
                request = letter.sign()
                response = await self._client.post(request.url, headers=request.headers, content=request.body)
        except httpx.TransportError:
            return Verdict.AGAIN, 0, ""
        return letter.read(response), response.status_code, response.text[:200]

    def _close(self, letter: Letter, verdict: Verdict, status: int, text: str) -> None:
        self._tally.undelivered -= 1
        if verdict is Verdict.REFUSED:
            self._tally.refuse({"source": letter.source, "name": letter.name, "status": status, "error": text})
        elif verdict is Verdict.AGAIN:
            self._tally.faults["given_up"] += 1
        letter.done(verdict)


class Lane:
    """The messages about one subject, each after the one before; a held one follows its successor."""

    def __init__(self, sender: Sender, tasks: Tasks, *, dead: bool) -> None:
        self._sender = sender
        self._tasks = tasks
        self._dead = dead
        self._last: asyncio.Task[None] | None = None
        self._held: Letter | None = None

    def post(self, letter: Letter, *, hold: bool = False) -> None:
        """Queue a letter; `hold` keeps it back until the next one is queued or the lane is flushed."""
        if self._dead:
            return
        if hold and self._held is None:
            self._held = letter
            return
        self._chain(letter)
        self.flush()

    def flush(self) -> None:
        """Send what is held back: nothing is ever lost, only late."""
        if self._held is not None:
            held, self._held = self._held, None
            self._sender.count("reordered")
            self._chain(held)

    async def empty(self) -> None:
        """Wait until everything queued has its answer."""
        self.flush()
        if self._last is not None:
            await asyncio.wait([self._last])

    def _chain(self, letter: Letter) -> None:
        before = self._last

        async def follow() -> None:
            if before is not None:
                await asyncio.wait([before])
            await self._sender.send(letter)

        self._last = self._tasks.spawn(follow())
