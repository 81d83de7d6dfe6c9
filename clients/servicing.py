"""Exceptions and tickets as people deal with them: opened, decided, found by whatever was pasted. For console and CLI.

What is written here is a fact at once, also while the engine is down; the workflows hear of it when they can.
"""

from dataclasses import replace

from clients.clock import Clock
from domain.after_sales import Answer
from domain.errors import BadInput, Refused
from domain.exceptions import ExceptionDecision, ExceptionLine, NewException
from domain.tickets import NewTicket, TicketDecision
from store import claims, exceptions, macros, red_letters, settings_docs, tickets
from store.database import Database
from store.keyring import KeyRing
from store.order_intake import Booking
from store.reads.order_search import OrderSearch
from store.red_letters import Blue
from store.replay import By
from store.settings_docs import Profile


class Servicing:
    """Opens and decides."""

    def __init__(self, database: Database, ring: KeyRing, clock: Clock, profile: Profile) -> None:
        self._database = database
        self._ring = ring
        self._clock = clock
        self._profile = profile

    async def order_of(self, pasted: str) -> str:
        """Find the one order that a pasted text speaks of; BadInput when there is none or more than one."""
        found = await OrderSearch(self._database, self._ring).find(pasted)
        keys = found.exact
        if not keys:
            raise BadInput(
                "no order was found in what was given: paste its number, a waybill or the whole phone number"
            )
        if len(keys) > 1:
            raise BadInput(f"{len(keys)} orders fit: {', '.join(keys[:5])}; give the number of one")
        return keys[0]

    async def guess_order(self, pasted: str) -> str:
        """Find the order that words speak of; empty when that is not clear."""
        try:
            return await self.order_of(pasted)
        except BadInput:
            return ""

    async def open_exception(self, new: NewException) -> str:
        """Open an exception; gives its number. BadInput names what is wrong."""
        booking = await self._booking()
        async with self._database.transaction() as tx:
            return await exceptions.open_exception(tx, booking, new)

    async def decide_exception(self, no: str, decision: ExceptionDecision, nonce: str) -> str:
        """Decide; gives the state after it. Refused with the reason."""
        booking = await self._booking()
        async with self._database.transaction() as tx:
            answer = await exceptions.decide(tx, booking, no, decision, nonce)
        return _taken("exception", answer)

    async def open_ticket(self, new: NewTicket) -> str:
        """Open a ticket; without an order its words are searched for one. Gives its number."""
        if not new.order_key:
            new = replace(new, order_key=await self.guess_order(new.words))
        booking = await self._booking()
        async with self._database.transaction() as tx:
            return await tickets.open_ticket(tx, booking, new)

    async def decide_ticket(self, no: str, decision: TicketDecision, nonce: str) -> str:
        """Do one thing with a ticket; gives the state after it. Refused with the reason."""
        booking = await self._booking()
        async with self._database.transaction() as tx:
            answer = await tickets.decide(tx, booking, no, decision, nonce)
        return _taken("ticket", answer)

    async def hand_in(self, no: str, actor: str) -> str:
        """Note that a claim was handed in."""
        async with self._database.transaction() as tx:
            return await claims.hand_in(tx, no, actor, self._clock())

    async def end_claim(self, no: str, won_minor: int, reason: str, actor: str) -> str:
        """Note what a claim brought; 0 is lost."""
        async with self._database.transaction() as tx:
            return await claims.end(tx, no, won_minor, reason, (actor, self._clock()))

    async def set_invoice(self, exception_no: str, blue: Blue, actor: str) -> str:
        """Say which invoice the red letter of an exception turns red, and which lines of it where it is a part."""
        async with self._database.transaction() as tx:
            return await red_letters.set_invoice(tx, exception_no, blue, actor, self._clock())

    async def confirm_red_letter(self, exception_no: str, actor: str) -> str:
        """Note that finance confirmed a red letter."""
        async with self._database.transaction() as tx:
            return await red_letters.confirm(tx, exception_no, actor, self._clock())

    async def save_macro(self, code: str, title: str, words: str, actor: str) -> None:
        """Save a macro."""
        async with self._database.transaction() as tx:
            await macros.save(tx, code, title, words, By(actor, self._clock()))

    async def _booking(self) -> Booking:
        async with self._database.transaction() as tx:
            timing = (await settings_docs.timing(tx, self._profile)).order
        return Booking(self._ring, timing, self._clock(), self._profile)


def _taken(what: str, answer: Answer) -> str:
    if not answer.taken:
        raise Refused(what, answer.words)
    return answer.words


def lines_of(given: str) -> tuple[ExceptionLine, ...]:
    """Read lines as people write them, `1=2 3=1` (line=units); BadInput names what cannot be read."""
    found = []
    for part in given.replace(",", " ").replace("，", " ").split():
        line_no, sep, units = part.partition("=")
        if not sep or not line_no or not (units.isascii() and units.isdigit()) or len(units) > 6:
            raise BadInput(f"{part!r} is no LINE=UNITS, such as 1=2")
        found.append(ExceptionLine(line_no, "", int(units)))
    return tuple(found)


def minor_of(given: str) -> int | None:
    """Read an amount such as 12.50 in minor units; None for nothing. BadInput when it is none."""
    words = given.strip().lstrip("¥￥")
    if not words:
        return None
    whole, _, part = words.partition(".")
    if not (whole + part).isascii() or not (whole + part).isdigit() or len(part) > 2 or len(whole) > 9:
        raise BadInput(f"{given!r} is no amount such as 12.50")
    return int(whole or "0") * 100 + int(part.ljust(2, "0") or "0")
