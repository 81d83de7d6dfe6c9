"""A channel of the common style, connected by configuration alone (CFG-4, docs/common-channel.md): REST and JSON.

What differs between such channels is data (common_style.py). Owns the calls, the pages, the signature of its pushes.
After-sales of such a channel are typed in: there is no common style for them.
"""

import base64
import hashlib
import hmac
import json
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

import httpx

from connectors import fields
from connectors.http import Call, Method, Reply, send, unexplained
from connectors.inbound import Answer, Genuine, Outcome, Push
from connectors.outbound import Clock
from connectors.platforms.common_orders import CHANNEL, read_order, show_time, status_of
from connectors.platforms.common_style import STYLE, Listing, Telling, at, faults, filled, parsed, style_of
from connectors.vendor import Vendor
from domain.after_sales import ChannelAnswer
from domain.errors import Broken, Forged, Refused, Unparsable
from domain.fulfillment import PromiseNotice, ShipmentNotice
from domain.observations import CaseObserved, OrderHinted, OrderObserved
from domain.pulling import Page, PullRules, Window
from domain.shops import Role, Shop, Token
from domain.stock_push import Batch, ListingKey, PushRules

PULL_RULES = PullRules(longest_seconds=86_400)
STOCK_RULES = PushRules(most=1)


class CommonInbound:
    """Receives what such a channel pushes: one order, whole."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def verify(self, push: Push) -> None:
        """Check the HMAC of the body with every key that counts; Forged says what is missing or wrong."""
        wanted = style_of(self._shop).push
        if wanted is None:
            raise Forged("the style of this shop has no push: add it, or let the shop be pulled")
        given = push.headers.get(wanted.signature.lower(), "")
        if not given:
            raise Forged(f"header missing: {wanted.signature}")
        for secret in fields.usable_secrets(self._shop):
            digest = hmac.new(secret.encode(), push.body, getattr(hashlib, wanted.algorithm)).digest()
            signed = base64.b64encode(digest).decode() if wanted.encoding == "base64" else digest.hex()
            if fields.same(given, signed):
                return
        raise Forged(f"{wanted.signature} does not fit the body with any key of this shop")

    def parse(self, push: Push) -> Genuine:
        """Read the order; its event id is the header's, or the digest of the body."""
        style = style_of(self._shop)
        try:
            said = parsed(push.body)
        except ValueError as error:
            raise Unparsable(f"the body is not JSON: {error}") from None
        row = at(style.push.row, said) if style.push else said
        seen = read_order(row, style, self._shop)
        name = style.push.event.lower() if style.push else ""
        key = push.headers.get(name, "")[: fields.MAX_ID] or hashlib.sha256(push.body).hexdigest()
        return Genuine(key, seen.vendor_time, (seen,))

    def answer(self, outcome: Outcome, reason: str, received_at: datetime) -> Answer:
        """200, 401 or 422 with a JSON object."""
        status = {Outcome.FORGED: 401, Outcome.UNPARSABLE: 422}.get(outcome, 200)
        said = {"ok": status == 200, **({"error": reason} if reason else {})}
        return Answer(status, "application/json", json.dumps(said, ensure_ascii=False).encode())


class CommonShop:
    """Calls one such channel; `endpoint_url` is the base of its paths."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._http = http
        self._clock = clock

    async def pull(self, window: Window, cursor: str) -> Page:
        """Ask for one page of what changed; a row that cannot be read is a hint, asked for alone."""
        rows, raw, following = await self._rows(window, cursor)
        style = style_of(self._shop)
        seen: list[OrderObserved | OrderHinted] = []
        for row in rows:
            try:
                seen.append(read_order(row, style, self._shop))
            except Unparsable:
                seen.append(self._hint(row, window))
        return Page(tuple(seen), raw, following)

    async def read_order(self, no: str) -> tuple[OrderObserved, bytes]:
        """Ask for one order; Broken when the answer cannot be read or is about another one."""
        style = style_of(self._shop)
        if style.detail is None:
            raise Refused(
                "no-detail", f"the style of {self._shop.code} has no detail: it cannot be asked for one order"
            )
        reply = await self._ask(f"read {no}", style.detail.path.replace("{no}", quote(no, safe="")), {})
        try:
            seen = read_order(at(style.detail.row, parsed(reply.body)), style, self._shop)
        except (Unparsable, ValueError) as error:
            raise Broken(f"{CHANNEL} about {no}: {error}") from error
        if seen.no != no:
            raise Broken(f"{CHANNEL} answered about another order than {no}")
        return seen, reply.body

    async def write_back(self, notice: ShipmentNotice) -> None:
        """Tell that a parcel left, as the style says; a channel that has it already takes it again."""
        names = {
            "no": notice.order_no,
            "carrier": notice.carrier,
            "waybill_no": notice.waybill_no,
            "shipped_at": notice.shipped_at.astimezone(self._zone()).isoformat(timespec="seconds"),
            "key": notice.key,
            "whole": notice.whole,
            "lines": [{"no": one.line_no, "sku": one.sku, "quantity": one.quantity} for one in notice.lines],
        }
        await self._tell("ship", style_of(self._shop).ship, names, notice.key)

    async def push_stock(self, batch: Batch) -> dict[ListingKey, Refused]:
        """Set one listing's quantity, absolutely."""
        level = batch[0]
        names: dict[str, Any] = {"item_id": level.item_id, "variant_id": level.variant_id, "sku": level.sku}
        names |= {"quantity": level.quantity, "sequence": level.sequence}
        await self._tell("stock", style_of(self._shop).stock, names, f"stock {level.sku} {level.sequence}")
        return {}

    async def tell_promise(self, notice: PromiseNotice) -> None:
        """Refused: there is no common way; a person tells the buyer."""
        raise Refused("no-way", f"{self._shop.code} has no way to tell that {notice.order_no} leaves later")

    async def pull_cases(self, window: Window, cursor: str) -> Page:
        """Refused: there is no common style for after-sales."""
        raise Refused("no-list", f"{self._shop.code} has no list of after-sales cases")

    async def read_case(self, case_no: str) -> tuple[CaseObserved, bytes]:
        """Refused: there is no common style for after-sales."""
        raise Refused("no-list", f"{self._shop.code} cannot be asked for case {case_no}")

    async def answer_case(self, answer: ChannelAnswer) -> None:
        """Refused: there is no common style for after-sales."""
        raise Refused("no-way", f"{self._shop.code} takes no answer about case {answer.case_no}")

    async def renew(self) -> Token:
        """Refused: the key does not expire."""
        raise Refused("no-token", f"{self._shop.code} takes a key and no access token")

    def _hint(self, row: Any, window: Window) -> OrderHinted:
        style = style_of(self._shop)
        no = at(style.order.no, row)
        if not isinstance(no, str | int) or not 1 <= len(str(no)) <= fields.MAX_ID:
            raise Broken(f"{CHANNEL}: a row of the list has no number at {style.order.no!r}")
        try:
            status, raw = status_of(row, style)
        except Unparsable as error:
            raise Broken(f"{CHANNEL} about {no}: {error.reason}") from error
        return OrderHinted(CHANNEL, self._shop.code, str(no), status, window.end, raw)

    async def _rows(self, window: Window, cursor: str) -> tuple[list[Any], bytes, str]:
        """Ask for one page: its rows, the body, and what asks for the next page.

        Where the channel counts, numbered pages are read from the last to the first, for rows move while one reads.
        """
        wanted, zone = style_of(self._shop).listing, self._zone()
        if wanted is None:
            raise Refused("no-list", f"the style of {self._shop.code} has no listing: it only pushes")
        query = {wanted.since: show_time(window.start, wanted.time, zone), wanted.size: str(wanted.most)}
        query[wanted.until] = show_time(window.end, wanted.time, zone)
        if cursor or wanted.next is None:
            query[wanted.page] = cursor or str(wanted.first_page)
        reply = await self._ask(f"{window.start.isoformat()} page {cursor or 'first'}", wanted.path, query)
        try:
            said = parsed(reply.body)
        except ValueError as error:
            raise Broken(f"{CHANNEL}: the list is not JSON: {error}") from None
        rows = at(wanted.rows, said)
        if not isinstance(rows, list) or len(rows) > wanted.most:
            raise Broken(f"{CHANNEL}: no list of at most {wanted.most} rows at {wanted.rows!r}")
        if wanted.next is not None:
            return rows, reply.body, str(at(wanted.next, said) or "")
        shown, following = _numbered(wanted, cursor, len(rows), at(wanted.total, said) if wanted.total else None)
        return (rows if shown else []), reply.body, following

    async def _tell(self, what: str, telling: Telling | None, names: dict[str, Any], ref: str) -> None:
        if telling is None:
            raise Refused(f"no-{what}", f"the style of {self._shop.code} has no {what}: it is not told")
        plain = {name: quote(str(value), safe="") for name, value in names.items() if not isinstance(value, list)}
        body = json.dumps(filled(telling.body, names), ensure_ascii=False, separators=(",", ":")).encode()
        await self._ask(ref, filled(telling.path, plain), {}, body, telling.method)

    async def _ask(
        self, ref: str, path: str, query: dict[str, str], body: bytes = b"", method: Method = "GET"
    ) -> Reply:
        auth, key = style_of(self._shop).auth, fields.current_secret(self._shop)
        headers = {"content-type": "application/json"} if body else {}
        if auth.place == "header":
            headers[auth.name.lower()] = auth.prefix + key
        else:
            query = query | {auth.name: auth.prefix + key}
        url = f"{self._shop.endpoint_url.rstrip('/')}{path}{f'?{urlencode(query)}' if query else ''}"
        call = Call(CHANNEL, ref, url, body, headers, method)
        reply = await send(self._http, call)
        if 400 <= reply.status < 500:
            raise Refused(f"http-{reply.status}", fields.vendor_text(reply.body[:500].decode("utf-8", "replace")))
        if not reply.is_success:
            raise unexplained(call, reply)
        return reply

    def _zone(self) -> ZoneInfo:
        return ZoneInfo(style_of(self._shop).zone)


def _numbered(wanted: Listing, cursor: str, rows: int, total: Any) -> tuple[bool, str]:
    """Say whether a numbered page is read now, and which one comes next."""
    first = wanted.first_page
    if not isinstance(total, int) or total < 0:
        return True, str(int(cursor or first) + 1) if rows == wanted.most else ""
    last = first + max(0, (total - 1) // wanted.most)
    if not cursor and last > first:
        return False, str(last)
    here = int(cursor or first)
    return True, str(here - 1) if here > first else ""


VENDOR = Vendor(
    name="common",
    role=Role.SALES,
    zone="Asia/Shanghai",
    currency="CNY",
    endpoint_url="the base of its paths, such as https://api.shop.example/v1",
    key_id="a name for our account there, shown in lists",
    secret="the key that calls carry and pushes are signed with",  # noqa: S106  (an explanation)
    sealed_params={STYLE: "how it speaks, as style=@FILE (docs/common-channel.md)"},
    faults=faults,
    inbound=CommonInbound,
    asked_with="",
    pull=PULL_RULES,
    stock=STOCK_RULES,
    channel=CommonShop,
)
