"""Qimen (奇门) warehouse systems, their calls to us. Owns verifying, reading and answering pushes.

A signature is checked over the query, the headers the sender lists and the body bytes as they came; times in
the query are in the shop's zone. Every answer is HTTP 200: the verdict is in the XML.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import Element

from connectors import fields
from connectors.inbound import Answer, Genuine, Outcome, Push
from connectors.top_sign import SIGNERS, sign
from connectors.warehouses.qimen_messages import read_confirm, read_process
from connectors.warehouses.qimen_returns import read_return
from connectors.warehouses.qimen_sign import signed_params
from connectors.warehouses.qimen_stock import body_digest, message_id, read_changes, read_count, read_entry
from connectors.warehouses.qimen_xml import read_xml, text, write_xml
from domain.errors import Forged, Unparsable
from domain.observations import Observation
from domain.shops import Shop

_VERDICTS = {
    Outcome.ACCEPTED: ("success", "0"),
    Outcome.DUPLICATE: ("success", "0"),
    Outcome.FORGED: ("failure", "sign-check-failure"),
    Outcome.UNPARSABLE: ("failure", "invalid-parameter"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """A message that is being read: when it was sent, and by which bytes it is known where it names no id."""

    root: Element
    shop: Shop
    at: datetime
    digest: str


Read = tuple[str, tuple[Observation, ...]]
"""The key under which a message is stored once, and what it says."""


def _shipment(told: Told) -> Read:
    seen = read_confirm(told.root, told.shop, told.at)
    confirm = message_id(text(told.root, "deliveryOrder/outBizCode"), told.digest)
    return f"confirm:{seen.fulfillment_no}:{confirm}", (seen,)


def _process(told: Told) -> Read:
    seen = read_process(told.root, told.shop, told.at)
    # Two parcels of one order may reach a stage in the same second: the body tells them apart.
    moment = text(told.root, "process/operateTime")
    return f"process:{seen.fulfillment_no}:{seen.stage}:{moment}:{told.digest}", (seen,)


def _entry(told: Told) -> Read:
    seen = read_entry(told.root, told.shop, told.at, told.digest)
    # A large entry comes in several messages, which may share an id: its lines are booked once each.
    return f"entry:{seen.entry_no}:{seen.confirm_id}:{told.digest}", (seen,)


def _count(told: Told) -> Read:
    seen = read_count(told.root, told.shop, told.at, told.digest)
    page = text(told.root, "currentPage")[: fields.MAX_ID]
    return f"stocktake:{seen.warehouse}:{seen.report_id}:{page}", (seen,)


def _changes(told: Told) -> Read:
    return f"stockchange:{told.digest}", read_changes(told.root, told.shop, told.at, told.digest)


def _return(told: Told) -> Read:
    seen = read_return(told.root, told.shop, told.at, told.digest)
    return f"return:{seen.case_no}:{seen.confirm_id}", (seen,)


_READERS: Mapping[str, Callable[[Told], Read]] = {
    "deliveryorder.confirm": _shipment,
    "orderprocess.report": _process,
    "entryorder.confirm": _entry,
    "inventory.report": _count,
    "stockchange.report": _changes,
    "returnorder.confirm": _return,
}
METHODS = tuple(_READERS)


class QimenInbound:
    """Receives what one warehouse account pushes."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def verify(self, push: Push) -> None:
        """Check key, time and signature; Forged says which of them is wrong."""
        query = push.query
        if not fields.same(query.get("app_key", ""), self._shop.key_id):
            raise Forged("app_key is not the one of this shop")
        sent_at = self._sent_at(push)
        if sent_at is None:
            raise Forged("timestamp is missing or not yyyy-MM-dd HH:mm:ss")
        if not fields.is_timely(sent_at, push.received_at):
            raise Forged("timestamp is more than 10 minutes away from the moment of receiving")
        if query.get("sign_method", "") not in SIGNERS:
            raise Forged(f"sign_method is none of {', '.join(SIGNERS)}")
        params = signed_params(query, push.headers)
        given = query.get("sign", "").upper()
        secrets = fields.usable_secrets(self._shop)
        if not any(fields.same(given, sign(params, push.body, secret)) for secret in secrets):
            raise Forged("sign does not fit the query and the body with any key of this shop")

    def _sent_at(self, push: Push) -> datetime | None:
        try:
            return fields.local_time(push.query.get("timestamp", ""), self._shop.tz)
        except ValueError:
            return None

    def parse(self, push: Push) -> Genuine:
        """Read what a warehouse tells; Unparsable names the field or the method."""
        method = push.query.get("method", "").removeprefix("taobao.qimen.")
        if method not in _READERS:
            known = ", ".join(METHODS)
            raise Unparsable(f"method {fields.vendor_text(method)!r} is not one we take: {known}")
        root = read_xml(push.body, push.headers.get("content-type", ""))
        if root.tag != "request":
            raise Unparsable("the root element is not request")
        sent_at = self._sent_at(push)
        told = Told(root, self._shop, sent_at or push.received_at, body_digest(push.body))
        key, observations = _READERS[method](told)
        return Genuine(key, sent_at, observations)

    def answer(self, outcome: Outcome, reason: str, received_at: datetime) -> Answer:
        """A duplicate is a success: the sender must stop sending it."""
        flag, code = _VERDICTS[outcome]
        body = write_xml("response", {"flag": flag, "code": code, "message": reason})
        return Answer(200, "text/xml;charset=utf-8", body)
