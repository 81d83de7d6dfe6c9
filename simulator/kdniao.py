"""Kdniao's wire format: DataSign, the form, answers and pushes. Owns no parcels and no behaviour."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import parse_qs, urlencode

from simulator.clock import now, stamp
from simulator.codes import codes
from simulator.sending import Request
from simulator.settings import Courier

QUERIES, SUBSCRIPTIONS = frozenset({"1002", "8001"}), frozenset({"1008", "8008"})
SHIPPERS = codes("SF ZTO YTO YD STO JD YZPY EMS JTSD DBL HTKY ZJS ANE KYSY UC HHTT QFKD FAST GTO AMAZON OTHER")
NEEDS_PHONE = frozenset({"SF", "KYSY", "ZTO"})
Json = dict[str, object]


class Refused(Exception):
    """The vendor's no, in the words of its `Reason`."""


def data_sign(data: str, api_key: str) -> str:
    """Sign RequestData: base64 of the lower-case hex of the md5."""
    digest = hashlib.md5((data + api_key).encode(), usedforsecurity=False).hexdigest()
    return base64.b64encode(digest.encode()).decode()


def read_form(settings: Courier, body: bytes) -> tuple[str, Json]:
    """Check a call and give its RequestType and RequestData; raises Refused."""
    try:
        form = {name: values[-1] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}
    except UnicodeDecodeError:
        raise Refused("请求内容编码错误") from None
    for name in ("RequestData", "EBusinessID", "RequestType", "DataSign", "DataType"):
        if not form.get(name):
            raise Refused(f"缺少必要参数{name}")
    if form["EBusinessID"] != settings.business_id:
        raise Refused("非法的用户ID")
    wanted = data_sign(form["RequestData"], settings.api_key.get_secret_value())
    if not hmac.compare_digest(wanted.encode(), form["DataSign"].encode()):
        raise Refused("数据签名不正确")
    if form["DataType"] != "2":
        raise Refused("DataType必须为2")
    return form["RequestType"], _json(form["RequestData"])


def _json(data: str) -> Json:
    try:
        read = json.loads(data)
    except json.JSONDecodeError:
        raise Refused("RequestData不是JSON") from None
    if not isinstance(read, dict):
        raise Refused("RequestData不是JSON对象")
    return read


def text(data: Mapping[str, object], name: str) -> str:
    """Give a field as text, "" when absent; raises Refused for anything else."""
    value = data.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refused(f"参数{name}格式错误")
    return value.strip()


def waybill_of(data: Mapping[str, object]) -> tuple[str, str]:
    """Give shipper code and waybill, checked with the phone's last digits where needed; raises Refused."""
    shipper, waybill = text(data, "ShipperCode"), text(data, "LogisticCode")
    if not shipper or not waybill:
        raise Refused("缺少必要参数" + ("LogisticCode" if shipper else "ShipperCode"))
    if shipper not in SHIPPERS:
        raise Refused("快递公司编码错误")
    customer = text(data, "CustomerName")
    if shipper in NEEDS_PHONE and not (len(customer) == 4 and customer.isascii() and customer.isdigit()):
        raise Refused("CustomerName须为收件人或寄件人手机号后四位")
    return shipper, waybill


def answer(settings: Courier, reason: str = "") -> Json:
    """Say yes, or no with a reason."""
    return {
        "EBusinessID": settings.business_id,
        "UpdateTime": stamp(now()),
        "Success": not reason,
        "Reason": reason,
    }


def trace(at: datetime, station: str, location: str, action: str) -> dict[str, str]:
    return {
        "AcceptTime": stamp(at),
        "AcceptStation": station,
        "Location": location,
        "Action": action,
        "Remark": "",
    }


def tracking(settings: Courier, shipper: str, waybill: str, traces: Sequence[Mapping[str, str]]) -> Json:
    """Write the state of a parcel with its full trace, oldest first."""
    last = traces[-1] if traces else None
    return {
        "EBusinessID": settings.business_id,
        "OrderCode": "",
        "ShipperCode": shipper,
        "LogisticCode": waybill,
        "Success": True,
        "Reason": "" if last else "暂无轨迹信息",
        "State": last["Action"][0] if last else "0",
        "StateEx": last["Action"] if last else "0",
        "Location": last["Location"] if last else "",
        "Traces": [dict(one) for one in traces],
    }


def push(settings: Courier, url: str, data: Json) -> Request:
    """Write and sign one push of type 101."""
    content = {"EBusinessID": settings.business_id, "PushTime": stamp(now()), "Count": "1", "Data": [data]}
    written = json.dumps(content, ensure_ascii=False)
    form = {
        "RequestData": written,
        "RequestType": "101",
        "DataSign": data_sign(written, settings.api_key.get_secret_value()),
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded;charset=utf-8"}
    return Request(url, headers, urlencode(form).encode())
