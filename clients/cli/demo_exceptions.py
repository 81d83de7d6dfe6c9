"""The exception desk of the demo: whole orders are paid back for damage, and their invoices turned red (EXC-2, FIN-7).

Exceptions are opened and closed the same ways as by the console and `oms exception ...`; the invoice's number is one
that a seller would read from its own books.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clients.cli.demo_cases import CHANNEL, SHOP
from clients.cli.shops import Endpoint, connect_shop
from clients.clock import utc_now
from clients.installation import draw_secret
from clients.run_file import RunFile
from clients.servicing import Servicing
from domain.errors import BadInput, Refused
from domain.exceptions import (
    Compensation,
    ExceptionChoice,
    ExceptionDecision,
    ExceptionKind,
    ExceptionLine,
    NewException,
    Responsible,
)
from store.database import Database
from store.keyring import load_keyring
from store.reads.case_proof import Candidate, CaseProofReads, ExceptionStanding
from store.red_letters import Blue
from store.settings_docs import Profile
from store.shops import Shops

ACTOR = "demo"
EACH = 100
"""For so many orders one is paid back as a whole."""
LEAST = 20
LOOKED_AT = 20
BLUE_DIGITS = 20
VENDOR, ACCOUNT = "nuonuo", "fp"
SELLER = {"tax_no": "91440101MA5AAAAA0X", "seller_name": "稳单演示店"}


@dataclass(frozen=True, slots=True)
class InvoiceAccount:
    """The account at the service for e-invoices, drawn for this demo."""

    key_id: str = "12345678"
    secret: str = field(default_factory=draw_secret, repr=False)
    access_token: str = field(default_factory=draw_secret, repr=False)

    def as_the_simulator_knows_it(self) -> dict[str, Any]:
        """Write the account as the simulator's configuration has it."""
        return {"app_secret": self.secret, "access_token": self.access_token}

    async def connect(self, shops: Shops, url: str) -> None:
        """Connect the account as `oms shop add` does."""
        sealed = {"access_token": self.access_token}
        endpoint = Endpoint(f"{url}/open/v1/services", self.key_id, (self.secret,), sealed)
        await connect_shop(shops, (VENDOR, ACCOUNT), endpoint, SELLER)


@dataclass
class ExceptionDesk:
    """Opens exceptions as parcels arrive, enters invoices, closes what is done."""

    run: RunFile
    orders: int
    opened: int = 0
    facts: list[ExceptionStanding] = field(default_factory=list)

    @property
    def due(self) -> int:
        """Say how many exceptions the day has."""
        return max(self.orders // EACH, int(self.orders >= LEAST))

    async def look(self, database: Database) -> None:
        """Take one step: an exception where one is due, and whatever the others wait for."""
        ring = load_keyring(Path(self.run.environment["OMS_KEYRING"]))
        reads, service = CaseProofReads(database), Servicing(database, ring, utc_now, Profile.DEMO)
        if self.opened < self.due:
            await self._open(reads, service)
        self.facts = await reads.exceptions()
        for one in self.facts:
            await _go_on(service, one)

    def done(self) -> bool:
        """Say whether every exception has ended."""
        return all(one.state == "closed" for one in self.facts)

    async def _open(self, reads: CaseProofReads, service: Servicing) -> None:
        for found in await reads.delivered(CHANNEL, SHOP, LOOKED_AT):
            try:
                await service.open_exception(_damage(found))
            except BadInput:
                continue  # some of its money went back meanwhile
            self.opened += 1
            return


def _damage(found: Candidate) -> NewException:
    return NewException(
        order_key=found.order_key,
        kind=ExceptionKind.DAMAGED,
        responsible=Responsible.WAREHOUSE,
        compensation=Compensation.REFUND,
        lines=(ExceptionLine(found.line_no, found.sku, 1),),
        request_key=f"{ACTOR}:{found.order_key}",
        opened_by=ACTOR,
        amount_minor=found.paid_minor,
    )


async def _go_on(service: Servicing, one: ExceptionStanding) -> None:
    """Give the number of the invoice, let finance confirm the draft, close what has nothing open any more."""
    try:
        if one.red_letter == "no_invoice":
            await service.set_invoice(one.no, Blue(blue_no(one.no)), ACTOR)
        elif one.red_letter == "drafted" and one.case_closed:
            await service.confirm_red_letter(one.no, ACTOR)
        elif one.red_letter == "confirmed" and one.state != "closed":
            await _decide(service, one.no, ExceptionChoice.CLOSE)
        if one.state == "open":
            await _decide(service, one.no, ExceptionChoice.HANDLE)
    except (BadInput, Refused):
        return  # it moved on: the next look shows what is left to do


async def _decide(service: Servicing, no: str, choice: ExceptionChoice) -> None:
    decision = ExceptionDecision(choice, ACTOR, "paid back, the invoice is turned red")
    await service.decide_exception(no, decision, f"{ACTOR}-{choice.value}")


def blue_no(exception_no: str) -> str:
    """Give the number of the invoice that is turned red: 20 digits, the same for the same exception."""
    digits = "".join(one for one in exception_no if one.isdigit())
    return digits.rjust(BLUE_DIGITS - 2, "0").rjust(BLUE_DIGITS, "2")
