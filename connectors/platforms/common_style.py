"""How a channel of the common style speaks, as data (CFG-4, docs/common-channel.md): its paths, names, units and codes.

A style is one JSON document in the shop row. Where something stands in an answer is said in JMESPath.
"""

import json
from functools import lru_cache
from typing import Annotated, Any, Literal

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from connectors import fields
from domain.errors import Broken
from domain.observations import ChannelStatus
from domain.shops import Shop

STYLE = "style"


def _expression(words: str) -> str:
    try:
        jmespath.compile(words)
    except JMESPathError as error:
        raise ValueError(f"{words!r} is not JMESPath: {str(error).splitlines()[0]}") from None
    return words


Where = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_expression)]
Path = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^/")]
TimeForm = Literal["iso", "local", "unix", "unix_ms"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Auth(_Part):
    """How a call proves who we are: a header or a query value made of the shop's key; `prefix` stands before it."""

    place: Literal["header", "query"] = "header"
    name: str = "authorization"
    prefix: str = "Bearer "


class Listing(_Part):
    """The list of orders that changed in a window. `next` gives the next cursor; without it pages are numbered."""

    path: Path
    since: str
    until: str
    time: TimeForm = "iso"
    rows: Where
    total: Where | None = None
    next: Where | None = None
    page: str = "page"
    first_page: int = Field(default=1, ge=0, le=1)
    size: str = "limit"
    most: int = Field(default=100, ge=1, le=1000)
    longest_seconds: float = Field(default=86_400, gt=0)


class Line(_Part):
    """Where a line's values stand, from the line; `amount` is what the line costs after its discount."""

    no: Where
    sku: Where
    title: Where
    quantity: Where
    unit: Where
    amount: Where
    item_id: Where | None = None
    variant_id: Where | None = None


class Receiver(_Part):
    """Where the receiver stands, from the order."""

    name: Where
    phone: Where
    province: Where
    city: Where
    district: Where | None = None
    address: Where


class Order(_Part):
    """Where an order's values stand, from the order. Money is whole minor units, or decimals of the major one."""

    no: Where
    status: Where
    changed: Where
    placed: Where
    paid: Where | None = None
    time: TimeForm = "iso"
    money: Literal["minor", "major"] = "major"
    currency: Where | None = None
    shop_discount: Where | None = None
    platform_discount: Where | None = None
    freight: Where | None = None
    total: Where
    refunded: Where | None = None
    lines: Where
    line: Line
    receiver: Receiver
    buyer: Where | None = None
    remark: Where | None = None


class Detail(_Part):
    """One order: `{no}` in the path; `row` says where it stands in the answer."""

    path: Path
    row: Where = "@"


class Telling(_Part):
    """What is told: a body whose texts may hold names in braces, sent to a path that may, too."""

    path: Path
    body: dict[str, Any]
    method: Literal["POST", "PUT"] = "POST"


class Push(_Part):
    """What is pushed: HMAC of the body in a header, and the header that names the event."""

    signature: str = "x-signature"
    algorithm: Literal["sha256", "sha1", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    event: str = "x-event-id"
    row: Where = "@"


class Style(_Part):
    """Everything; `statuses` maps its codes to ours, any other is an unknown code (INT-13)."""

    zone: str = "Asia/Shanghai"
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "CNY"
    auth: Auth = Auth()
    statuses: dict[str, ChannelStatus]
    listing: Listing | None = None
    detail: Detail | None = None
    order: Order
    ship: Telling | None = None
    stock: Telling | None = None
    push: Push | None = None


@lru_cache(maxsize=64)
def _read(text: str) -> Style:
    return Style.model_validate_json(text)


def style_of(shop: Shop) -> Style:
    """Read the shop's style; Broken when it has none that can be used."""
    wrong = faults(shop)
    if wrong:
        raise Broken(f"shop {shop.code} ({shop.vendor}): {wrong[0]}")
    return _read(shop.sealed[STYLE])


def faults(shop: Shop) -> list[str]:
    """Say what is wrong with a style before it is used, with where it stands."""
    try:
        _read(shop.sealed.get(STYLE, ""))
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        return [f"{STYLE}: {'.'.join(map(str, one['loc'])) or 'the file'}: {one['msg']}" for one in found[:5]]
    return []


def at(where: str, said: Any) -> Any:
    """Give what stands there; None where nothing does."""
    return jmespath.search(where, said)


def filled(told: Any, names: dict[str, Any]) -> Any:
    """Fill the names in braces; a text that is nothing but one name becomes its value, whatever that is."""
    if isinstance(told, dict):
        return {key: filled(value, names) for key, value in told.items()}
    if isinstance(told, list):
        return [filled(one, names) for one in told]
    if not isinstance(told, str):
        return told
    if told.startswith("{") and told.endswith("}") and told[1:-1] in names:
        return names[told[1:-1]]
    return _in_text(told, names)


def _in_text(text: str, names: dict[str, Any]) -> str:
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text


def parsed(body: bytes) -> Any:
    """Read JSON with numbers exactly as they are written; ValueError for anything else, and for what nests too deep."""
    if len(body) > fields.MAX_BODY_BYTES:
        raise ValueError(f"larger than {fields.MAX_BODY_BYTES} bytes")
    try:
        return json.loads(body, parse_float=str, parse_constant=lambda word: word)
    except RecursionError:
        raise ValueError("nested too deeply") from None
