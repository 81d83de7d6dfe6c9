"""From a shop row to the classes that speak to its vendor. Owns the table of vendors and what each needs.

The gateway takes receivers here, workers/wiring.py callers, `oms shop add` what a shop row must hold.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import httpx

from connectors.couriers.kdniao import KdniaoCourier, KdniaoInbound
from connectors.inbound import Inbound
from connectors.invoicing import CLERKS
from connectors.invoicing import NEEDS as INVOICE_NEEDS
from connectors.mailing import MAILBOXES
from connectors.mailing import NEEDS as MAIL_NEEDS
from connectors.messengers import NEEDS, SENDERS, Needs
from connectors.outbound import (
    Clock,
    Courier,
    InvoiceClerk,
    Mailbox,
    MessageSender,
    PaymentProvider,
    ReturnsDesk,
    SalesChannel,
    Warehouse,
)
from connectors.payments import alipay_sign, stripe_sign, wechatpay_sign
from connectors.payments.alipay import AlipayMerchant
from connectors.payments.alipay_inbound import AlipayInbound
from connectors.payments.stripe import StripeMerchant
from connectors.payments.stripe_inbound import StripeInbound
from connectors.payments.wechatpay import WechatpayMerchant
from connectors.payments.wechatpay_inbound import WechatpayInbound
from connectors.platforms.douyin import PULL_RULES as DOUYIN_PULL
from connectors.platforms.douyin import DouyinShop
from connectors.platforms.douyin_cases import PULL_RULES as DOUYIN_CASES
from connectors.platforms.douyin_push import DouyinInbound
from connectors.platforms.douyin_stock import PUSH_RULES as DOUYIN_STOCK
from connectors.platforms.own import OwnInbound, OwnShop
from connectors.platforms.own_cases import CASES_URL
from connectors.platforms.own_cases import PULL_RULES as OWN_CASES
from connectors.platforms.own_stock import PUSH_RULES as OWN_STOCK
from connectors.platforms.own_stock import STOCK_URL
from connectors.platforms.taobao import PULL_RULES as TAOBAO_PULL_RULES
from connectors.platforms.taobao import PUSH_RULES as TAOBAO_STOCK
from connectors.platforms.taobao import TaobaoShop
from connectors.warehouses.qimen import QimenWarehouse
from connectors.warehouses.qimen_inbound import QimenInbound
from domain.errors import BadInput
from domain.pulling import PullRules
from domain.shops import Role, Shop
from domain.stock_push import PushRules


@dataclass(frozen=True, slots=True)
class Vendor:
    """What a vendor needs of a shop row, each with one line of explanation for whoever fills it in."""

    name: str
    role: Role
    zone: str
    currency: str
    endpoint_url: str
    key_id: str
    secret: str
    """Empty when the vendor has none: its keys are sealed params."""
    inbound: Callable[[Shop], Inbound] | None
    params: Mapping[str, str] = field(default_factory=dict)
    optional_params: Mapping[str, str] = field(default_factory=dict)
    pull: PullRules | None = None
    asked_with: str | None = None
    """The param without which it cannot be asked for one order; empty when it always can, None when it never can."""
    token: str = ""
    """Where the access token comes from; empty when the vendor needs none."""
    sealed_params: Mapping[str, str] = field(default_factory=dict)
    """Params that are secret: given as NAME=@FILE and sealed with the keys."""
    faults: Callable[[Shop], list[str]] | None = None
    """Looks at what was given before it is used: `name: what is wrong`."""
    per_second: float = 20.0
    """So many calls a second and process are let through to one account (INT-16)."""
    stock: PushRules | None = None
    """What it takes when it is told of stock; None when it cannot be."""
    stock_with: str = ""
    """The param without which a shop is told nothing of stock; empty when it always is."""
    cases: PullRules | None = None
    """What it allows when its after-sales cases are pulled; None when it has no list of them."""
    cases_with: str = ""
    """The param without which a shop has no list of cases; empty when it always has."""


_QIMEN_PARAMS = {
    "customer_id": "customerId: the name under which the platform routes our calls to the warehouse",
    "owner": "ownerCode: whose goods these are in the warehouse's books",
    "sender_name": "sender on the label: name",
    "sender_mobile": "sender on the label: mobile phone",
    "sender_province": "sender on the label: province",
    "sender_city": "sender on the label: city",
    "sender_district": "sender on the label: district",
    "sender_address": "sender on the label: street and number",
}


def _messenger(name: str, needs: Needs, role: Role = Role.MESSAGES) -> Vendor:
    """Describe a vendor of messages, or of invoices, as any other."""
    return Vendor(
        name=name,
        role=role,
        zone="Asia/Shanghai",
        currency="CNY",
        endpoint_url=needs.endpoint_url,
        key_id=needs.key_id,
        secret=needs.secret,
        inbound=None,
        params=needs.params,
        optional_params=needs.optional_params,
        sealed_params=needs.sealed_params,
    )


VENDORS: Mapping[str, Vendor] = {
    "own": Vendor(
        name="own",
        role=Role.SALES,
        zone="Asia/Shanghai",
        currency="CNY",
        endpoint_url="where the shop takes shipments (docs/own-shop-api.md)",
        key_id="X-Steadfast-Key: the key id agreed with the shop",
        secret="the HMAC key agreed with the shop",  # noqa: S106  (an explanation)
        inbound=OwnInbound,
        asked_with="orders_url",
        optional_params={
            "orders_url": "where the shop answers for one order, GET {orders_url}/{no}; hints need it",
            STOCK_URL: "where the shop is told what it may sell, POST {stock_url}; without it no stock is told",
            CASES_URL: "where the shop lists after-sales cases and takes answers, GET and POST {cases_url}/{case}",
            "notice_url": "where the shop is told that a presale order leaves later, POST {notice_url}",
        },
        stock=OWN_STOCK,
        stock_with=STOCK_URL,
        cases=OWN_CASES,
        cases_with=CASES_URL,
    ),
    "douyin": Vendor(
        name="douyin",
        role=Role.SALES,
        zone="Asia/Shanghai",
        currency="CNY",
        endpoint_url="the gateway without a path, such as https://openapi-fxg.jinritemai.com",
        key_id="app key of our application at the platform",
        secret="app secret of our application at the platform",  # noqa: S106  (an explanation)
        inbound=DouyinInbound,
        asked_with="",
        optional_params={
            "shop_id": "the platform's number of the shop: refuses pushes of others, gets tokens for a self-used app",
            "carriers": "our carriers in the platform's words, such as SF=shunfeng,YTO=yuantong; others go as they are",
        },
        pull=DOUYIN_PULL,
        stock=DOUYIN_STOCK,
        cases=DOUYIN_CASES,
        token="from the seller's authorisation of the application (token.create)",  # noqa: S106  (an explanation)
        # The platform allows an application 600 lists and 900 details a second over all of its shops.
        per_second=100.0,
    ),
    "taobao": Vendor(
        name="taobao",
        role=Role.SALES,
        zone="Asia/Shanghai",
        currency="CNY",
        endpoint_url="the whole router URL, such as https://eco.taobao.com/router/rest",
        key_id="app_key of our application at the platform",
        secret="app secret of our application at the platform",  # noqa: S106  (an explanation)
        inbound=None,
        optional_params={
            "sign_method": "md5 (default), hmac or hmac-sha256",
            "carriers": "carriers that Taobao names otherwise, OURS=THEIRS,OURS=THEIRS",
        },
        pull=TAOBAO_PULL_RULES,
        stock=TAOBAO_STOCK,
        cases=TAOBAO_PULL_RULES,
        asked_with="",
        per_second=50.0,
        token="access_token and refresh_token of the seller's authorisation at oauth.taobao.com",  # noqa: S106
    ),
    "qimen": Vendor(
        name="qimen",
        role=Role.WAREHOUSE,
        zone="Asia/Shanghai",
        currency="CNY",
        endpoint_url="the whole router URL, such as http://qimen.api.taobao.com/router/qimen/service",
        key_id="app_key of our application at the platform",
        secret="app secret of our application at the platform",  # noqa: S106  (an explanation)
        inbound=QimenInbound,
        params=_QIMEN_PARAMS,
        optional_params={"sign_method": "md5 (default), hmac or hmac-sha256"},
    ),
    "kdniao": Vendor(
        name="kdniao",
        role=Role.COURIER,
        zone="Asia/Shanghai",
        currency="CNY",
        endpoint_url="the base URL without a path, such as https://api.kdniao.com",
        key_id="EBusinessID of our account",
        secret="ApiKey of our account",  # noqa: S106  (an explanation)
        inbound=KdniaoInbound,
    ),
    "wechatpay": Vendor(
        name="wechatpay",
        role=Role.PAYMENT,
        zone="Asia/Shanghai",
        currency="CNY",
        endpoint_url="the base URL without a path, such as https://api.mch.weixin.qq.com",
        key_id="mchid: the number of our merchant account",
        secret="the APIv3 key, 32 characters",  # noqa: S106  (an explanation)
        inbound=WechatpayInbound,
        params={
            "serial_no": "the serial number of our API certificate, hex",
            "shop": "whose buyers pay here, VENDOR/CODE such as own/my-shop; out_trade_no is that shop's order number",
        },
        optional_params={"notify_url": "where results of refunds are told: the public URL of /in/wechatpay/CODE"},
        sealed_params={
            "private_key": "our API private key (apiclient_key.pem), as private_key=@FILE",
            "platform_keys": "the platform's public keys, as platform_keys=@FILE: a line PUB_KEY_ID_..., then its PEM; "
            "two while they rotate",
        },
        faults=wechatpay_sign.faults,
    ),
    "alipay": Vendor(
        name="alipay",
        role=Role.PAYMENT,
        zone="Asia/Shanghai",
        currency="CNY",
        endpoint_url="the whole gateway URL, such as https://openapi.alipay.com/gateway.do",
        key_id="app_id of our application at Alipay's open platform",
        secret="",
        inbound=AlipayInbound,
        params={
            "seller_id": "our merchant account there (PID, 16 digits that begin with 2088)",
            "shop": "whose buyers pay here, VENDOR/CODE such as own/my-shop; out_trade_no is that shop's order number",
        },
        optional_params={
            "notify_url": "where results of refunds are told: the public URL of /in/alipay/CODE",
            "app_auth_token": "the merchant's authorisation, when the application is somebody else's",
        },
        sealed_params={
            "private_key": "our application's private key, PEM or one line of base64, as private_key=@FILE",
            "alipay_public_key": "Alipay's public key for this application (not our own), as alipay_public_key=@FILE; "
            "two while they rotate",
        },
        faults=alipay_sign.faults,
    ),
    "stripe": Vendor(
        name="stripe",
        role=Role.PAYMENT,
        zone="UTC",
        currency="USD",
        endpoint_url="the base URL without a path, such as https://api.stripe.com",
        key_id="the number of our account there, acct_...",
        secret="the signing secret of the webhook endpoint, whsec_...",  # noqa: S106  (an explanation)
        inbound=StripeInbound,
        params={
            "shop": "whose buyers pay here, VENDOR/CODE such as own/my-shop; that shop's order number stands in "
            "metadata[order_no] of the payment intent, or in client_reference_id of the checkout session",
        },
        sealed_params={"api_key": "our secret key, sk_... or a restricted rk_..., as api_key=@FILE"},
        faults=stripe_sign.faults,
    ),
    **{name: _messenger(name, needs) for name, needs in NEEDS.items()},
    **{name: _messenger(name, needs, Role.INVOICES) for name, needs in INVOICE_NEEDS.items()},
    **{name: _messenger(name, needs, Role.MAIL) for name, needs in MAIL_NEEDS.items()},
}

T = TypeVar("T")

_WAREHOUSES: Mapping[str, Callable[[Shop, httpx.AsyncClient, Clock], Warehouse]] = {"qimen": QimenWarehouse}
_RETURNS: Mapping[str, Callable[[Shop, httpx.AsyncClient, Clock], ReturnsDesk]] = {"qimen": QimenWarehouse}
_COURIERS: Mapping[str, Callable[[Shop, httpx.AsyncClient, Clock], Courier]] = {"kdniao": KdniaoCourier}
_PAYMENTS: Mapping[str, Callable[[Shop, httpx.AsyncClient, Clock], PaymentProvider]] = {
    "alipay": AlipayMerchant,
    "stripe": StripeMerchant,
    "wechatpay": WechatpayMerchant,
}
_SALES: Mapping[str, Callable[[Shop, httpx.AsyncClient, Clock], SalesChannel]] = {
    "douyin": DouyinShop,
    "own": OwnShop,
    "taobao": TaobaoShop,
}


def vendor(name: str) -> Vendor:
    """Look a vendor up; BadInput names it and the ones we know."""
    if name not in VENDORS:
        raise BadInput(f"vendor {name!r} is not known; known are {', '.join(sorted(VENDORS))}")
    return VENDORS[name]


def missing(shop: Shop) -> list[str]:
    """What the shop row still lacks to speak to its vendor: `name: explanation`, empty when complete."""
    needs = vendor(shop.vendor)
    given = {"endpoint_url": shop.endpoint_url, "key_id": shop.key_id, "secret": "".join(shop.secrets)}
    wanted = {"endpoint_url": needs.endpoint_url, "key_id": needs.key_id, "secret": needs.secret}
    lacking = [f"{name}: {why}" for name, why in wanted.items() if why and not given[name]]
    lacking += [f"{name}: {why}" for name, why in needs.params.items() if not shop.params.get(name)]
    lacking += [f"{name}: {why}" for name, why in needs.sealed_params.items() if not shop.sealed.get(name)]
    return lacking or (needs.faults(shop) if needs.faults else [])


def answers(shop: Shop) -> bool:
    """Say whether a shop can be asked for one order."""
    param = vendor(shop.vendor).asked_with
    return param is not None and (not param or bool(shop.params.get(param)))


def takes_stock(name: str, params: Collection[str]) -> bool:
    """Say whether a shop of this vendor with these params filled is told what it may sell (INV-6)."""
    needs = vendor(name)
    return needs.stock is not None and (not needs.stock_with or needs.stock_with in params)


def push_rules(name: str) -> PushRules:
    """What a vendor takes when it is told of stock; BadInput when it cannot be."""
    rules = vendor(name).stock
    if rules is None:
        raise BadInput(f"{name} cannot be told of stock")
    return rules


def inbound(shop: Shop) -> Inbound:
    """The receiver of a shop's pushes; BadInput when its vendor sends none."""
    receiver = vendor(shop.vendor).inbound
    if receiver is None:
        others = "its letters are read" if shop.vendor in MAILBOXES else "its orders are pulled"
        how = "it is only written to" if shop.vendor in SENDERS else others
        raise BadInput(f"{shop.vendor} sends no webhooks: {how}")
    return receiver(shop)


def pull_rules(name: str) -> PullRules | None:
    """What a vendor allows when its orders are pulled; None when it has no list to pull."""
    return vendor(name).pull


def case_rules(shop: Shop) -> PullRules | None:
    """What a shop allows when its after-sales cases are pulled; None when it has no list to pull."""
    needs = vendor(shop.vendor)
    return needs.cases if not needs.cases_with or shop.params.get(needs.cases_with) else None


def warehouse(shop: Shop, http: httpx.AsyncClient, clock: Clock) -> Warehouse:
    """The caller of a warehouse; BadInput when the vendor is none."""
    return _caller(_WAREHOUSES, shop, "warehouse")(shop, http, clock)


def returns_desk(shop: Shop, http: httpx.AsyncClient, clock: Clock) -> ReturnsDesk:
    """The caller of a warehouse that takes goods back; BadInput when the vendor is none."""
    return _caller(_RETURNS, shop, "warehouse")(shop, http, clock)


def courier(shop: Shop, http: httpx.AsyncClient, clock: Clock) -> Courier:
    """The caller of a courier; BadInput when the vendor is none."""
    return _caller(_COURIERS, shop, "courier")(shop, http, clock)


def sales_channel(shop: Shop, http: httpx.AsyncClient, clock: Clock) -> SalesChannel:
    """The caller of a sales channel; BadInput when the vendor is none."""
    return _caller(_SALES, shop, "sales channel")(shop, http, clock)


def payment_provider(shop: Shop, http: httpx.AsyncClient, clock: Clock) -> PaymentProvider:
    """The caller of a payment provider; BadInput when the vendor is none."""
    return _caller(_PAYMENTS, shop, "payment provider")(shop, http, clock)


def message_sender(shop: Shop, http: httpx.AsyncClient, clock: Clock) -> MessageSender:
    """The sender of an account for messages; BadInput when the vendor is none."""
    return _caller(SENDERS, shop, "sender of messages")(shop, http, clock)


def invoice_clerk(shop: Shop, http: httpx.AsyncClient, clock: Clock) -> InvoiceClerk:
    """The clerk of an account for invoices; BadInput when the vendor is none."""
    return _caller(CLERKS, shop, "service for invoices")(shop, http, clock)


def mailbox(shop: Shop, http: httpx.AsyncClient, clock: Clock) -> Mailbox:
    """The reader of a mail account; BadInput when the vendor is none."""
    return _caller(MAILBOXES, shop, "mail account")(shop, http, clock)


def _caller(table: Mapping[str, T], shop: Shop, role: str) -> T:
    if shop.vendor not in table:
        known = ", ".join(sorted(table))
        raise BadInput(f"vendor {shop.vendor!r} of shop {shop.code} is not a {role}; known are {known}")
    return table[shop.vendor]
