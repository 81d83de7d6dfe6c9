"""Kdniao (快递鸟), the courier data service. Owns its form, signature, codes and pushes.

Times are written in the shop's zone (China). A push carries the whole trace each time, so it overwrites.
Carriers go by our words, which are the warehouse standard's; CARRIERS holds those Kdniao names otherwise.
Source: the official client's documentation. Beyond Success and Reason there is no published list of errors.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from urllib.parse import parse_qsl, urlencode

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from connectors import fields
from connectors.http import Call, Reply, send, unexplained
from connectors.inbound import Answer, Genuine, Outcome, Push
from connectors.outbound import Clock
from connectors.vendor import Vendor
from domain.errors import Broken, Forged, Refused, Unavailable, Unparsable
from domain.observations import ParcelState, ParcelTracked, Trace
from domain.shops import Role, Shop

QUERY, SUBSCRIBE = "1002", "1008"
PATHS = {QUERY: "/Ebusiness/EbusinessOrderHandle.aspx", SUBSCRIBE: "/api/dist"}
PUSH_KINDS = ("101", "102")
"""Basic and value-added tracking look the same; 107 (COD money) is another message."""
MAX_PARCELS, MAX_TRACES, MAX_FORM_FIELDS = 500, 500, 20
ASKS_PHONE_TAIL = {"SF", "KYSY", "ZTO"}
CARRIERS: Mapping[str, str] = {"YUNDA": "YD", "POSTB": "YZPY"}
_OUR_CARRIERS = {theirs: ours for ours, theirs in CARRIERS.items()}

_S = ParcelState
STATES: Mapping[str, ParcelState] = {
    "0": _S.NO_TRACE, "1": _S.COLLECTED, "2": _S.IN_TRANSIT, "3": _S.SIGNED, "4": _S.PROBLEM,
    "5": _S.FORWARDED, "6": _S.CUSTOMS,
    # 10 is "awaiting pick-up": the parcel still stands in the warehouse, the courier has not scanned it.
    "10": _S.NO_TRACE,
    "201": _S.IN_TRANSIT, "202": _S.OUT_FOR_DELIVERY, "204": _S.IN_TRANSIT, "205": _S.IN_TRANSIT,
    "206": _S.IN_TRANSIT, "211": _S.AT_STATION,
    # Somebody else signed (304), or it was fetched from a station (311): signed, the raw code tells which.
    "301": _S.SIGNED, "302": _S.SIGNED, "304": _S.SIGNED, "311": _S.SIGNED,
    "401": _S.PROBLEM, "402": _S.PROBLEM, "403": _S.PROBLEM, "404": _S.RETURNED, "405": _S.PROBLEM,
    "406": _S.RETURNED, "407": _S.RETURNED,
    # 412: at a station and not fetched for 18 h; somebody has to act, so it is a problem.
    "412": _S.PROBLEM, "413": _S.PROBLEM, "414": _S.PROBLEM, "415": _S.PROBLEM, "416": _S.PROBLEM,
    "417": _S.PROBLEM, "418": _S.PROBLEM, "419": _S.PROBLEM, "420": _S.PROBLEM, "421": _S.PROBLEM,
    "422": _S.PROBLEM, "423": _S.PROBLEM,
    "601": _S.CUSTOMS, "602": _S.CUSTOMS, "603": _S.CUSTOMS, "604": _S.CUSTOMS,
}  # fmt: skip
_FETCHED = "311"

# Couriers report "signed" for a hand-in to a station or a locker: their own words give it away (LOG-4).
_HANDED_IN = re.compile(
    r"(?:存放|暂存|放入|投递|送至|送达|代收).{0,30}?(?:驿站|快递柜|自提柜|智能柜|丰巢|自提点|代收点)"
)
# "Please sign for it soon" and "not signed for" hold the same word, so only what has happened counts.
_IN_HANDS = re.compile("已签收|签收人|(?:本人|家人|他人|同事|门卫|代|并)签收|已被?取|已从")

_SUBSCRIBED_WORDS = ("重复", "已订阅", "已经订阅")
_PASSING_WORDS = ("繁忙", "稍后", "频率", "频繁", "限流", "并发", "超时")
_NO_TRACE_WORDS = ("暂无", "没有物流", "无轨迹", "无物流")


class _Lenient(BaseModel):
    """Numbers where texts are documented, nulls where nothing is known: both are common."""

    model_config = ConfigDict(coerce_numbers_to_str=True, frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _null_is_absent(cls, value: object) -> object:
        if isinstance(value, str):
            return fields.storable(value)
        return "" if value is None else value


class _Scan(_Lenient):
    AcceptTime: str
    AcceptStation: str = ""
    Location: str = ""
    Action: str = ""


class _Parcel(_Lenient):
    EBusinessID: str = ""
    ShipperCode: str = ""
    LogisticCode: str = ""
    Success: bool = True
    Reason: str = ""
    State: str = ""
    StateEx: str = ""
    Traces: tuple[_Scan, ...] = Field(default=(), max_length=MAX_TRACES)

    @field_validator("Traces", mode="before")
    @classmethod
    def _none_is_empty(cls, value: object) -> object:
        return value or ()


class _PushBody(_Lenient):
    EBusinessID: str
    PushTime: str = ""
    Data: tuple[_Parcel, ...] = Field(max_length=MAX_PARCELS)


def sign(request_data: str, api_key: str) -> str:
    """Base64 of the lower-case hex MD5 over the JSON text as sent and the key."""
    digest = hashlib.md5((request_data + api_key).encode("utf-8", "replace"), usedforsecurity=False)
    return base64.b64encode(digest.hexdigest().encode()).decode()


def parcel_state(state: str, sub_state: str) -> ParcelState | None:
    """The sub-state decides; an unknown one falls back to the main state, then to its own first digit."""
    for code in (sub_state, state, sub_state[:1]):
        if code in STATES:
            return STATES[code]
    return None


class KdniaoCourier:
    """One account at Kdniao; `endpoint_url` is the base, without a path."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._http = http
        self._clock = clock

    async def subscribe(self, carrier: str, waybill_no: str, order_ref: str, phone_tail: str) -> None:
        """Ask for pushes (1008). A parcel that is subscribed already is a success; `order_ref` is echoed.

        `phone_tail` is the last four digits of the receiver's phone; some carriers want it.
        """
        asked = {
            **self._parcel(carrier, waybill_no, phone_tail),
            "OrderCode": order_ref,
            "CallBack": order_ref,
        }
        answer, _ = await self._ask(SUBSCRIBE, waybill_no, asked)
        if not answer.Success and not _says(answer, _SUBSCRIBED_WORDS):
            raise _failure(answer, waybill_no, phone_tail)

    async def track(self, carrier: str, waybill_no: str, phone_tail: str) -> tuple[ParcelTracked, bytes]:
        """Ask for the trace (1002); a parcel nobody has scanned yet is NO_TRACE, not an error."""
        asked = {**self._parcel(carrier, waybill_no, phone_tail), "OrderCode": ""}
        answer, raw = await self._ask(QUERY, waybill_no, asked)
        if not answer.Success and not _says(answer, _NO_TRACE_WORDS):
            raise _failure(answer, waybill_no, phone_tail)
        if answer.LogisticCode not in {"", waybill_no}:
            raise Broken(f"kdniao answered about another parcel than {waybill_no}")
        try:
            tracked = _read_parcel(answer, "answer", self._shop, self._clock())
        except Unparsable as error:
            raise Broken(f"kdniao about {waybill_no}: {error.reason}") from error
        return replace(tracked, carrier=carrier, waybill_no=waybill_no), raw

    def _parcel(self, carrier: str, waybill_no: str, phone_tail: str) -> dict[str, str]:
        code = CARRIERS.get(carrier, carrier)
        named = {"ShipperCode": code, "LogisticCode": waybill_no}
        return {**named, "CustomerName": phone_tail} if code in ASKS_PHONE_TAIL else named

    async def _ask(self, request_type: str, waybill_no: str, asked: Mapping[str, str]) -> tuple[_Parcel, bytes]:
        request_data = json.dumps(asked, ensure_ascii=False, separators=(",", ":"))
        form = {
            "RequestData": request_data,
            "EBusinessID": self._shop.key_id,
            "RequestType": request_type,
            "DataSign": sign(request_data, fields.current_secret(self._shop)),
            "DataType": "2",
        }
        call = Call(
            vendor="kdniao",
            ref=f"{request_type} {waybill_no}",
            url=self._shop.endpoint_url.rstrip("/") + PATHS[request_type],
            body=urlencode(form).encode(),
            headers={"content-type": "application/x-www-form-urlencoded;charset=utf-8"},
        )
        reply = await send(self._http, call)
        return _read_answer(call, reply), reply.body


def _read_answer(call: Call, reply: Reply) -> _Parcel:
    if not reply.is_success:
        raise unexplained(call, reply)
    try:
        answer = _Parcel.model_validate_json(reply.body)
    except ValidationError as error:
        raise unexplained(call, reply) from error
    # A JSON object of somebody else fits too, every field being optional: ours always says Success.
    if "Success" not in answer.model_fields_set:
        raise unexplained(call, reply)
    return answer


def _failure(answer: _Parcel, waybill_no: str, phone_tail: str) -> Refused | Unavailable:
    reason = fields.vendor_text(answer.Reason, (phone_tail,)) or "no reason given"
    if _says(answer, _PASSING_WORDS):
        return Unavailable(f"kdniao about {waybill_no}: {reason}")
    return Refused("kdniao", f"{reason} ({waybill_no})")


def _says(answer: _Parcel, words: tuple[str, ...]) -> bool:
    return any(word in answer.Reason for word in words)


def _read_parcel(parcel: _Parcel, where: str, shop: Shop, told_at: datetime) -> ParcelTracked:
    """Make the observation. `told_at` stands in for the time of signing when the trace is empty."""
    traces = tuple(_read_traces(parcel, where, shop))
    last_code = traces[-1].raw_code if traces else ""
    known = parcel_state(parcel.State, parcel.StateEx or (last_code if last_code[:1] == parcel.State else ""))
    state = known or (ParcelState.IN_TRANSIT if traces else ParcelState.NO_TRACE)
    signing = _signing(traces, parcel.StateEx) if state is ParcelState.SIGNED else None
    signed_at = None
    if signing and parcel.StateEx != _FETCHED and _is_hand_in(signing):
        state = ParcelState.AT_STATION
    elif state is ParcelState.SIGNED:
        signed_at = signing.at if signing else told_at
    carrier = _OUR_CARRIERS.get(parcel.ShipperCode, parcel.ShipperCode)
    return ParcelTracked(carrier, parcel.LogisticCode, state, parcel.State, parcel.StateEx, signed_at, traces)


def _signing(traces: tuple[Trace, ...], sub_state: str) -> Trace | None:
    """The scan that says signed: the one with the parcel's sub-state, else the first 3xx, else the last."""
    signed = [trace for trace in traces if trace.raw_code.startswith("3")]
    exact = [trace for trace in signed if trace.raw_code == sub_state]
    handed_over = [trace for trace in exact or signed if not _is_hand_in(trace)]
    return next(iter(handed_over or exact or signed or traces[-1:]), None)


def _is_hand_in(trace: Trace) -> bool:
    fetched = trace.raw_code == _FETCHED or _IN_HANDS.search(trace.text)
    return not fetched and _HANDED_IN.search(trace.text) is not None


def _read_traces(parcel: _Parcel, where: str, shop: Shop) -> Iterator[Trace]:
    """Oldest first; the same text at the same time is one scan."""
    found: dict[tuple[datetime, str], Trace] = {}
    for index, scan in enumerate(parcel.Traces):
        try:
            at = fields.local_time(scan.AcceptTime.strip(), shop.tz)
        except ValueError as error:
            raise Unparsable(f"{where}.Traces[{index}].AcceptTime: {error}") from error
        text = scan.AcceptStation.strip()
        trace = Trace(at, text, scan.Location.strip(), scan.Action.strip())
        known = found.get((at, text))
        found[at, text] = trace if known is None or not known.raw_code else known
    traces = list(found.values())
    # Newest-first senders: turn round before the stable sort, or scans of the same second change places.
    if traces and traces[0].at > traces[-1].at:
        traces.reverse()
    yield from sorted(traces, key=lambda trace: trace.at)


class KdniaoInbound:
    """Receives what Kdniao pushes for one account."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def verify(self, push: Push) -> None:
        """Check the signature and whose account is meant. The format has no time window."""
        try:
            form = _form(push)
        except Unparsable as error:
            raise Forged(error.reason) from error
        data, given = form.get("RequestData", ""), form.get("DataSign", "")
        secrets = fields.usable_secrets(self._shop)
        if not any(fields.same(given, sign(data, secret)) for secret in secrets):
            raise Forged("DataSign does not fit RequestData with any key of this shop")
        try:
            account = _PushBody.model_validate_json(data).EBusinessID
        except ValidationError:
            return  # signed well, but not a push: parse says what is wrong with it
        if not fields.same(account, self._shop.key_id):
            raise Forged("EBusinessID is not the one of this shop")

    def parse(self, push: Push) -> Genuine:
        """Read every parcel of a push; Unparsable names the field that is wrong."""
        form = _form(push)
        kind = form.get("RequestType", "")
        if kind not in PUSH_KINDS:
            raise Unparsable(f"RequestType {fields.vendor_text(kind)!r} is none of {', '.join(PUSH_KINDS)}")
        data = form.get("RequestData", "")
        try:
            body = _PushBody.model_validate_json(data)
        except ValidationError as error:
            raise Unparsable(fields.explain(error)) from error
        sent_at = self._sent_at(body)
        told_at = sent_at or push.received_at
        tracked = [self._read(parcel, index, told_at) for index, parcel in enumerate(body.Data)]
        digest = hashlib.sha256(data.encode()).hexdigest()
        return Genuine(digest, sent_at, tuple(tracked))

    def _read(self, parcel: _Parcel, index: int, told_at: datetime) -> ParcelTracked:
        where = f"Data[{index}]"
        if not parcel.LogisticCode:
            raise Unparsable(f"{where}.LogisticCode is missing or empty")
        if len(parcel.LogisticCode) > fields.MAX_ID or len(parcel.ShipperCode) > fields.MAX_ID:
            raise Unparsable(f"{where}: LogisticCode or ShipperCode is longer than {fields.MAX_ID} characters")
        return _read_parcel(parcel, where, self._shop, told_at)

    def _sent_at(self, body: _PushBody) -> datetime | None:
        try:
            return fields.local_time(body.PushTime.strip(), self._shop.tz)
        except ValueError:
            return None

    def answer(self, outcome: Outcome, reason: str, received_at: datetime) -> Answer:
        """Always HTTP 200 and their JSON; `UpdateTime` in their zone."""
        said = {
            "EBusinessID": self._shop.key_id,
            "UpdateTime": fields.show_local(received_at, self._shop.tz),
            "Success": outcome in {Outcome.ACCEPTED, Outcome.DUPLICATE},
            "Reason": reason,
        }
        return Answer(200, "application/json;charset=utf-8", json.dumps(said, ensure_ascii=False).encode())


def _form(push: Push) -> dict[str, str]:
    if len(push.body) > fields.MAX_BODY_BYTES:
        raise Unparsable(f"the body is larger than {fields.MAX_BODY_BYTES} bytes")
    try:
        text = push.body.decode()
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FORM_FIELDS)
    except ValueError as error:
        raise Unparsable("the body is not a URL-encoded form in UTF-8") from error
    return dict(pairs)


VENDOR = Vendor(
    name="kdniao",
    role=Role.COURIER,
    zone="Asia/Shanghai",
    currency="CNY",
    endpoint_url="the base URL without a path, such as https://api.kdniao.com",
    key_id="EBusinessID of our account",
    secret="ApiKey of our account",  # noqa: S106  (an explanation)
    inbound=KdniaoInbound,
    courier=KdniaoCourier,
)
