"""`oms case open, list, show`: after-sales cases, their money line by line, their story, and who acts until when."""

import secrets
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import typer
from rich.table import Table

from clients.cli.order_decisions import one_order
from clients.cli.session import Session, out, session, told
from clients.cli.tables import numbered
from clients.clock import utc_now
from clients.settings import ClientSettings
from domain.after_sales import OF_GOODS, CaseKind, CaseLine, CaseState, NewCase, Origin
from domain.errors import BadInput
from store import case_money, cases, orders, settings_docs
from store.reads.case_story import CaseStories, CaseStory

case_app = typer.Typer(no_args_is_help=True)
No = Annotated[str, typer.Argument(help="number of the case, such as C2611220001")]
MAX_MINOR, MAX_UNITS = 10**13, 10**6


@case_app.command(name="open")
def open_(
    order: Annotated[str, typer.Argument(help="order number, waybill or fulfilment number")],
    kind: Annotated[str, typer.Option(help=", ".join(CaseKind))],
    reason: Annotated[str, typer.Option(help="code of the reason; the settings document after_sales lists them")],
    line: Annotated[
        list[str] | None, typer.Option(help="LINE or LINE:UNITS, repeatable; without: all that is left")
    ] = None,
    amount: Annotated[str, typer.Option(help="how much is asked for, such as 12.50; without: all")] = "",
    words: Annotated[str, typer.Option(help="the buyer's own words; they are sealed")] = "",
    actor: Annotated[str, typer.Option(help="your login")] = "cli",
    request: Annotated[str, typer.Option(help="names this wish: the same one opens one case only")] = "",
) -> None:
    """Open a case for a buyer. The policy checks it at once; what it refuses is closed with the reason."""

    async def work() -> str:
        if kind not in set(CaseKind):
            raise BadInput(f"no kind {kind!r}; known are {', '.join(CaseKind)}")
        wanted = minor(amount)
        if wanted is None and CaseKind(kind) in {CaseKind.PRICE, CaseKind.COMPENSATION}:
            raise BadInput(f"a case of kind {kind} needs --amount, such as 12.50")
        async with session() as opened:
            key = await one_order(opened, order)
            new = NewCase(
                order_key=key,
                kind=CaseKind(kind),
                origin=Origin.AGENT,
                request_key=f"cli:{request or secrets.token_hex(8)}",
                lines=await _lines(opened, key, line or [], CaseKind(kind)),
                reason=await _reason(opened, reason),
                asked_by=actor,
                words=words,
                wanted_minor=wanted,
            )
            async with opened.database.transaction() as tx:
                no = await cases.open_case(tx, opened.ring, new, utc_now())
        return f"{no}: opened about {key}; see oms case show {no}"

    out.print(told(work), highlight=False, markup=False)


@case_app.command(name="list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="also those that are closed")] = False,
    state: Annotated[str, typer.Option(help="only cases in this state")] = "",
    order: Annotated[str, typer.Option(help="only cases of this order")] = "",
    most: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
) -> None:
    """List cases, what is due first."""

    async def work() -> None:
        if state and state not in set(CaseState):
            raise BadInput(f"no state {state!r}; known are {', '.join(CaseState)}")
        async with session() as opened:
            key = await one_order(opened, order) if order else ""
            every = everything or state == CaseState.CLOSED
            rows = await CaseStories(opened.database).rows(everything=every, state=state, order_key=key, most=most)
        table = numbered("no", "order", "kind", "state", "due (UTC)", "owner", "outcome")
        for row in rows:
            due = f"{row.due_at:%m-%d %H:%M:%S}" if row.due_at else ""
            overdue = " OVERDUE" if row.due_at and row.due_at < utc_now() else ""
            table.add_row(row.no, row.order_key, row.kind, row.state, f"{due}{overdue}", row.owner, row.outcome)
        out.print(table if rows else "no cases match")

    told(work)


@case_app.command()
def show(no: No) -> None:
    """Show one case: what it waits for, who acts until when, its money line by line, its story and its ladder."""

    async def work() -> None:
        story = await read(no)
        for words in _head(story) + _money(story) + _ladder(story):
            out.print(words, highlight=False, markup=False, soft_wrap=True)
        out.print(_entries(story))

    told(work)


async def read(no: str) -> CaseStory:
    """Read one case; BadInput when there is none of that number."""
    async with session() as opened:
        story = await CaseStories(opened.database, ClientSettings().profile).story(no)
    if story is None:
        raise BadInput(f"no case {no!r}; see oms case list --all")
    return story


def _head(story: CaseStory) -> list[str]:
    case = story.case
    end = f" ({case.outcome})" if case.outcome else ""
    words = [f"{case.no}  {case.kind} of {case.order_key}  {case.state}{end}"]
    since, until = f"{case.step_since:%Y-%m-%d %H:%M:%S} UTC", case.due_at or case.return_until
    if case.closed_at is None:
        words.append(f"waits {story.waits}")
        words.append(f"since {since}" + (f", until {until:%Y-%m-%d %H:%M:%S} UTC" if until else ""))
    told_by = f"policy {case.policy_version} row {case.policy_row}" if case.policy_version else "not checked yet"
    words.append(f"asked by {case.asked_by} for {case.reason}; {told_by}: {case.verdict_words}")
    words.append(f"owner: {case.owner or 'nobody, take it: oms case take ' + case.no}")
    if case.waybill_no:
        words.append(f"parcel: {case.carrier} {case.waybill_no} (said by {case.waybill_by})")
    if case.differs:
        words.append(f"what came differs: {case.differs}")
    return words + [_line(one) for one in story.lines]


def _line(one: Any) -> str:
    back = f", came back {one.good} good and {one.damaged} damaged" if one.good or one.damaged else ""
    return f"  line {one.line_no}: {one.quantity} x {one.sku} {one.title}{back}"


def _money(story: CaseStory) -> list[str]:
    money, case, currency = story.money.row, story.case, story.case.currency
    wanted = "all that is refundable" if case.wanted_minor is None else _yuan(case.wanted_minor)
    words = [f"money: the buyer paid {_yuan(money.paid_minor)} {currency}, {_yuan(money.refunded_minor)} went back;"
             f" asked for {wanted}"]  # fmt: skip
    if money.amount_minor is None:
        return [*words, "  nothing is granted"]
    for part in story.money.parts:
        name = f"line {part.line_no}, {part.quantity} units" if part.line_no else "freight"
        words.append(f"  {name}: {_yuan(part.amount_minor)}")
    if rest := money.amount_minor - sum(part.amount_minor for part in story.money.parts):
        words.append(f"  {'as agreed' if story.money.parts else 'amount'}: {_yuan(rest)}")
    words.append(f"  granted: {_yuan(money.amount_minor)} by {money.granted_by}")
    paid = f" on {money.paid_at:%Y-%m-%d %H:%M:%S} UTC, reference {money.reference}" if money.paid_at else ""
    where = f"{money.way} {money.vendor}".strip()
    return [*words, f"  payout: {money.state} by {where}{paid} {money.reason}".rstrip()]


def _ladder(story: CaseStory) -> list[str]:
    words = []
    for stage in story.ladder:
        climbed = "told" if stage.rung <= story.case.escalated else "will be told"
        words.append(f"ladder: {stage.at:%Y-%m-%d %H:%M:%S} UTC {stage.role} {climbed} {stage.words}".rstrip())
    return words


def _entries(story: CaseStory) -> Table:
    table = Table("at (UTC)", "who", "what", "detail", "raw", box=None)
    for entry in story.entries:
        detail = ", ".join(f"{name} {value}" for name, value in entry.detail.items() if value)
        table.add_row(f"{entry.at:%m-%d %H:%M:%S}", entry.actor, entry.action, detail, str(entry.inbox_id or ""))
    return table


def _yuan(minor: int) -> str:
    return f"{minor / 100:.2f}"


async def _lines(opened: Session, key: str, asked: list[str], kind: CaseKind) -> tuple[CaseLine, ...]:
    """Read LINE or LINE:UNITS; without any, all units that were not paid back before."""
    async with opened.database.transaction() as tx:
        bill = await case_money.bill(tx, await orders.must_lock(tx, key))
    left = {one.line_no: one.quantity - one.granted_units for one in bill.lines}
    if not asked:
        found = tuple(CaseLine(no, "", units) for no, units in left.items() if units)
        if not found and kind in OF_GOODS:
            raise BadInput(f"all units of {key} were paid back before; see oms case list --all --order {key}")
        return found
    return tuple(_one_line(words, left, key) for words in asked)


def _one_line(words: str, left: dict[str, int], key: str) -> CaseLine:
    no, _, units = words.rpartition(":") if ":" in words else (words, "", "")
    if no not in left:
        raise BadInput(f"order {key} has no line {no!r}; it has {', '.join(sorted(left))}")
    if units and not (units.isascii() and units.isdecimal() and 0 < int(units) <= MAX_UNITS):
        raise BadInput(f"line {no}: {units!r} is no number of units; name 1 or more, such as {no}:1")
    return CaseLine(no, "", int(units) if units else max(left[no], 1))


async def _reason(opened: Session, code: str) -> str:
    async with opened.database.transaction() as tx:
        policy = await settings_docs.after_sales(tx, ClientSettings().profile)
    known = [one.code for one in policy.reasons]
    if code not in known:
        raise BadInput(f"no reason {code!r}; known are {', '.join(known)}")
    return code


def minor(words: str) -> int | None:
    """Read an amount in the currency's unit, with at most two decimals."""
    if not words:
        return None
    try:
        found = Decimal(words) * 100
    except InvalidOperation:
        found = Decimal(-1)
    if not found.is_finite() or found != found.to_integral_value() or not 0 < found < MAX_MINOR:
        raise BadInput(f"{words!r} is no amount; write it such as 12.50")
    return int(found)
