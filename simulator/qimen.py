"""Qimen's wire format: signature, query parameters, XML in and out. Owns no stock and no behaviour."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlencode
from xml.etree.ElementTree import Element, SubElement, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from simulator.clock import now, parse_stamp, stamp
from simulator.sending import Request
from simulator.settings import Wms

PREFIX = "taobao.qimen."
REQUIRED_PARAMS = ("method", "timestamp", "format", "app_key", "v", "sign_method", "customerId", "sign")
VERSIONS = ("1.0", "2.0", "3.0")
CLOCK_TOLERANCE = timedelta(minutes=10)

# A document to write: texts are leaves, mappings are nodes, sequences repeat their tag.
Node = Mapping[str, "str | int | Node | Sequence[Node]"]


class Refused(Exception):
    """The vendor's no: a code and a message for the `<response>`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


def sign(params: Mapping[str, str], body: bytes, secret: str) -> str:
    """Sign as params["sign_method"] says; raises Refused for an unknown method."""
    pairs = "".join(key + params[key] for key in sorted(params) if params[key] and key != "sign")
    text, key = pairs.encode() + body, secret.encode()
    method = params.get("sign_method", "md5")
    if method == "md5":
        return hashlib.md5(key + text + key, usedforsecurity=False).hexdigest().upper()
    digests = {"hmac": "md5", "hmac-sha256": "sha256"}
    if method not in digests:
        raise Refused("invalid-sign-method", "sign_method must be md5, hmac or hmac-sha256")
    return hmac.new(key, text, digests[method]).hexdigest().upper()


def verify(settings: Wms, params: Mapping[str, str], body: bytes, at: datetime) -> str:
    """Check a call as the vendor does and give its method without the prefix; raises Refused."""
    missing = [name for name in REQUIRED_PARAMS if not params.get(name)]
    if missing and missing != ["sign"]:
        raise Refused("isv.missing-parameter", f"parameter {missing[0]} is missing")
    if params["app_key"] != settings.app_key:
        raise Refused("invalid appkey", "app_key is not known")
    wanted = sign(params, body, settings.secret.get_secret_value())
    if not hmac.compare_digest(wanted.encode(), params.get("sign", "").encode()):
        raise Refused("sign-check-failure", "Illegal request")
    if params["customerId"] != settings.customer_id:
        raise Refused("invalid-customer", "customerId is not known")
    if params["format"] != "xml" or params["v"] not in VERSIONS:
        raise Refused("isv.invalid-parameter", "format must be xml and v one of " + ", ".join(VERSIONS))
    try:
        age = abs(at - parse_stamp(params["timestamp"]))
    except ValueError:
        raise Refused("isv.invalid-timestamp", "timestamp must be yyyy-MM-dd HH:mm:ss, China time") from None
    if age > CLOCK_TOLERANCE:
        raise Refused("isv.invalid-timestamp", "timestamp is more than 10 minutes from the clock")
    return params["method"].removeprefix(PREFIX)


def read(body: bytes) -> Element:
    """Parse a `<request>`; raises Refused."""
    try:
        root: Element = fromstring(body)
    except (ParseError, DefusedXmlException, ValueError):
        raise Refused("isv.invalid-xml", "the body is not well-formed XML") from None
    if root.tag != "request":
        raise Refused("isv.invalid-xml", "the root must be <request>")
    return root


def text(node: Element | None, path: str) -> str:
    """Give a leaf's text without blanks, or "" when it is absent."""
    return (node.findtext(path) or "").strip() if node is not None else ""


def required(node: Element | None, path: str) -> str:
    """Give a leaf's text; raises Refused naming the field when it is absent or empty."""
    value = text(node, path)
    if not value:
        parent = node.tag if node is not None else "request"
        raise Refused("isv.missing-parameter", f"{parent}/{path} is missing")
    return value


def document(root: str, node: Node) -> bytes:
    """Write a document, in UTF-8 with its declaration."""
    element = Element(root)
    _fill(element, node)
    written: bytes = tostring(element, encoding="utf-8", xml_declaration=True)
    return written


def success(extra: Node | None = None) -> bytes:
    return document("response", {"flag": "success", "code": "0", "message": "ok", **(extra or {})})


def failure(refused: Refused) -> bytes:
    return document("response", {"flag": "failure", "code": refused.code, "message": refused.message})


def too_many_calls() -> bytes:
    """Write what the platform before the warehouse says of one call too many."""
    words = {
        "code": "7",
        "msg": "App Call Limited",
        "sub_code": "accesscontrol.limited-by-api-access-count",
        "sub_msg": "This ban will last for 1 more seconds",
    }
    return document("error_response", words)


def signed_call(settings: Wms, url: str, method: str, body: bytes) -> Request:
    """Address and sign one call to the ERP."""
    params = {
        "method": PREFIX + method,
        "timestamp": stamp(now()),
        "format": "xml",
        "app_key": settings.app_key,
        "v": "2.0",
        "sign_method": "md5",
        "customerId": settings.customer_id,
    }
    params["sign"] = sign(params, body, settings.secret.get_secret_value())
    return Request(f"{url}?{urlencode(params)}", {"Content-Type": "text/xml;charset=utf-8"}, body)


def says_success(body: bytes) -> bool:
    """Tell whether the ERP's answer is a `<response>` with flag success."""
    try:
        root: Element = fromstring(body)
    except (ParseError, DefusedXmlException, ValueError):
        return False
    return root.tag == "response" and text(root, "flag") == "success"


def _fill(element: Element, node: Node) -> None:
    for tag, value in node.items():
        if isinstance(value, Mapping):
            _fill(SubElement(element, tag), value)
        elif isinstance(value, str | int):
            SubElement(element, tag).text = str(value)
        else:
            for child in value:
                _fill(SubElement(element, tag), child)
