"""The configuration file of the simulator: models, defaults and the reading of it. Owns no behaviour."""

import json
import stat
from pathlib import Path
from typing import Annotated, Literal, get_args

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator

from simulator.listings import StockTrouble
from simulator.settings_shops import Marketplace, Model, Share

Seconds = Annotated[float, Field(ge=0)]
Target = Literal[
    "shop",
    "wms",
    "courier",
    "payment",
    "taobao",
    "douyin",
    "jd",
    "pdd",
    "xhs",
    "wechatshop",
    "kuaishou",
    "shopify",
    "amazon",
    "shopee",
]
OutageMode = Literal["refuse", "hang", "error"]
Plant = Literal["lost", "doubled", "oversold"]
Stage = Literal["ACCEPT", "PRINT", "PICK", "CHECK", "PACKAGE", "WEIGH"]
"""What is done with an order in the warehouse, one after the other (Qimen's processStatus)."""


class ConfigError(Exception):
    """What the simulator was given cannot be used; the text is one line for a person."""


class OwnShop(Model):
    """`next_secret`: the key that it signs with from `rotate_after` seconds after its first message on."""

    shop: str = Field(min_length=1)
    key_id: str = Field(min_length=1)
    secret: SecretStr = Field(min_length=1)
    next_secret: SecretStr | None = None
    rotate_after: Seconds = 0.0


class Wms(Model):
    shop: str = Field(min_length=1)
    app_key: str = Field(min_length=1)
    secret: SecretStr = Field(min_length=1)
    customer_id: str = Field(min_length=1)
    warehouse: str = Field(min_length=1)
    owner: str = Field(min_length=1)


class Courier(Model):
    shop: str = Field(min_length=1)
    business_id: str = Field(min_length=1)
    api_key: SecretStr = Field(min_length=1)


def _private_rsa(pem: SecretStr) -> SecretStr:
    if not isinstance(serialization.load_pem_private_key(pem.get_secret_value().encode(), None), RSAPrivateKey):
        raise ValueError("not an RSA key")
    return pem


def _public_rsa(pem: str) -> str:
    if not isinstance(serialization.load_pem_public_key(pem.encode()), RSAPublicKey):
        raise ValueError("not an RSA key")
    return pem


PrivatePem = Annotated[SecretStr, AfterValidator(_private_rsa)]
PublicPem = Annotated[str, AfterValidator(_public_rsa)]


class PlatformKey(Model):
    """A key with which the payment platform signs, in PEM, and the name it gives it."""

    serial: str = Field(min_length=1)
    private_key: PrivatePem


class Pay(Model):
    """WeChat Pay, at which the own shop's buyers pay; with several platform keys they take turns."""

    shop: str = Field(min_length=1)
    mchid: str = Field(min_length=1)
    serial_no: str = Field(min_length=1)
    apiv3_key: SecretStr = Field(min_length=32, max_length=32)
    merchant_public_key: PublicPem
    platform_keys: list[PlatformKey] = Field(min_length=1)


class Alipay(Model):
    """Alipay, at which a share of the own shop's buyers pay; with several keys of its own they take turns."""

    shop: str = Field(min_length=1)
    app_id: str = Field(min_length=1)
    seller_id: str = Field(min_length=1)
    merchant_public_key: PublicPem
    platform_keys: list[PrivatePem] = Field(min_length=1)
    share: Share = 1.0


class Stripe(Model):
    """Stripe, at which a share of the own shop's buyers pay; it signs with all signing secrets at once."""

    shop: str = Field(min_length=1)
    api_key: SecretStr = Field(min_length=1)
    signing_secrets: list[SecretStr] = Field(min_length=1, max_length=2)
    share: Share = 1.0


class Messages(Model):
    """Accounts at the services that carry messages; `lost`: so many first answers of a service are lost.

    `imap_port`: where the mailbox of the same login is read; none without it.
    """

    wecom_key: SecretStr = Field(min_length=1)
    dingtalk_token: SecretStr = Field(min_length=1)
    dingtalk_secret: SecretStr = Field(min_length=1)
    feishu_token: SecretStr = Field(min_length=1)
    feishu_secret: SecretStr = Field(min_length=1)
    aliyun_key_id: str = Field(min_length=1)
    aliyun_secret: SecretStr = Field(min_length=1)
    sign_name: str = Field(min_length=1)
    smtp_port: int = Field(ge=0, le=65535)
    smtp_login: str = Field(min_length=1)
    smtp_password: SecretStr = Field(min_length=1)
    lost: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    imap_port: int | None = Field(default=None, ge=0, le=65535)


class Invoices(Model):
    """A taxpayer's account at Nuonuo."""

    app_secret: SecretStr = Field(min_length=1)
    access_token: SecretStr = Field(min_length=1)


class Burst(Model):
    """Buyers of the own shop beside all others, who come in `seconds` from `after_seconds` on.

    Each makes the shop send `messages`: that it was placed, that it was paid, and then a remark that is edited.
    """

    after_seconds: Seconds
    seconds: float = Field(gt=0)
    buyers: int = Field(ge=1, le=100_000)
    messages: int = Field(ge=2, le=100)


class Orders(Model):
    """`at_once`: so many more orders than signed parcels at most; the next buyer waits for a parcel that arrives.

    `curve`: how many buyers come in each of so many equal parts of the time, beside each other; empty: evenly.
    `burst`: more buyers of the own shop, none by default; `count` and `per_second` are those of the others.
    """

    count: int = Field(ge=0, le=1_000_000)
    per_second: float = Field(default=10.0, gt=0)
    at_once: int | None = Field(default=None, ge=1)
    curve: tuple[Annotated[float, Field(ge=0)], ...] = ()
    burst: Burst | None = None
    file: Path | None = None


Fate = Literal["good", "damaged", "mixed", "fewer", "other", "unnamed", "never"]
"""What comes of an announced return; `unnamed`: in a parcel without our number, `mixed`: one unit of it damaged."""
FATES: tuple[Fate, ...] = ("good", "damaged", "mixed", "fewer", "other", "unnamed", "never")


class Outage(Model):
    """A vendor that cannot be reached for a while, counted from /sim/start; with `call` from its nth call on."""

    target: Target
    mode: OutageMode
    after_seconds: Seconds = 0.0
    seconds: Seconds
    call: int | None = Field(default=None, ge=1)


class Hang(Model):
    """The nth call of a vendor, of those whose method and address hold `about`, is never answered.

    The caller has to give up. `done`: what it asked for is done all the same.
    """

    target: Target
    call: int = Field(ge=1)
    about: str = ""
    done: bool = False


class Profile(Model):
    """How the world behaves. Durations in seconds; shares from 0 to 1; every mischief is off by default."""

    # Pace
    jitter: Share = 0.3
    pay_delay: Seconds = 0.8
    wms_step: Seconds = 0.15
    courier_step: Seconds = 0.15
    stock_factor: float = Field(default=3.0, ge=1)
    unpaid_first: Share = 0.3
    bundle_share: Share = 0.0
    # Presale
    presale_share: Share = 0.0
    deposit_share: Share = 0.5
    presale_due: float = Field(default=6.0, gt=0)
    presale_late_by: Seconds = 0.0
    # Buyers' fates
    never_pay_share: Share = 0.0
    late_pay_share: Share = 0.0
    late_pay_delay: Seconds = 5.0
    cancel_unpaid_share: Share = 0.0
    cancel_paid_share: Share = 0.0
    cancel_within: Seconds = 2.5
    # Marketplaces' ways
    close_unpaid_after: Seconds = 5.0
    forbid_consign_share: Share = 0.0
    forbid_consign_seconds: Seconds = 0.5
    stage_patience: Seconds = 10.0
    ship_patience: Seconds = 60.0
    confirm_after: Seconds | None = None
    token_seconds: float | None = Field(default=None, gt=0)
    limit_share: Share = 0.0
    # Stock
    scarce: dict[int, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    scarce_demand: int = Field(default=0, ge=0)
    stock: StockTrouble = StockTrouble()
    # The warehouse's ways
    split_package_share: Share = 0.0
    partial_confirm_share: Share = 0.0
    entry_after: Seconds = 0.5
    count_after: Seconds | None = None
    count_finds: dict[str, int] = Field(default_factory=dict)
    tells_changes: bool = False
    reported_stages: list[Stage] = Field(default_factory=lambda: list(get_args(Stage)))
    # Returns: `return_after` null: only parcels of POST /sim/returns arrive
    return_after: Seconds | None = 0.5
    return_fates: dict[Fate, Share] = Field(default_factory=dict)
    stray_returns: int = Field(default=0, ge=0)
    # Messages
    duplicate_share: Share = 0.0
    reorder_share: Share = 0.0
    hint_share: Share = 0.0
    confirm_lost_share: Share = 0.0
    signature_lost_share: Share = 0.0
    push_dead: list[Target] = Field(default_factory=list)
    # After-sales at the shops
    case_share: Share = 0.0
    case_return_share: Share = 0.4
    case_exchange_share: Share = 0.0
    case_shipped_share: Share = 0.5
    case_return_after: Seconds = 0.5
    case_push_lost_share: Share = 0.0
    case_dispute_share: Share = 0.0
    refunds_by_case: Share = 0.0
    # Payments
    notify_within: Seconds = 0.5
    notify_lost_share: Share = 0.0
    refund_processing_share: Share = 0.0
    refund_processing_seconds: Seconds = 1.0
    refunds_without_money: int = Field(default=0, ge=0)
    # Vendors' weakness
    outages: list[Outage] = Field(default_factory=list)
    hangs: list[Hang] = Field(default_factory=list)
    error_share: Share = 0.0
    lost_answer_share: Share = 0.0
    slow_share: Share = 0.0
    slow_seconds: Seconds = 2.0
    # Senders' patience
    send_timeout: Seconds = 15.0
    retry_first: float = Field(default=0.2, gt=0)
    retry_longest: float = Field(default=5.0, gt=0)
    retry_limit: Seconds = 21_600.0
    retry_4xx: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _one_fate_each(self) -> "Profile":
        fates = (self.never_pay_share, self.late_pay_share, self.cancel_unpaid_share, self.cancel_paid_share)
        if sum(fates) > 1.000001:
            raise ValueError("never_pay, late_pay, cancel_unpaid and cancel_paid shares add up to more than 1")
        if sum(self.return_fates.values()) > 1.000001:
            raise ValueError("return_fates add up to more than 1")
        if "shop" in self.push_dead:
            raise ValueError("push_dead cannot name the shop: its messages are how orders come in")
        return self


class Config(Model):
    seed: int
    port: int = Field(ge=1, le=65535)
    gateway_url: str = Field(pattern=r"^https?://")
    own: OwnShop
    wms: Wms
    courier: Courier
    pay: Pay | None = None
    alipay: Alipay | None = None
    stripe: Stripe | None = None
    messages: Messages | None = None
    invoices: Invoices | None = None
    marketplaces: list[Marketplace] = Field(default_factory=list)
    orders: Orders
    profile: Profile = Field(default_factory=Profile)
    plant: Plant | None = None

    @model_validator(mode="after")
    def _each_shop_once(self) -> "Config":
        shops = [(one.vendor, one.shop) for one in self.marketplaces]
        if len(set(shops)) < len(shops):
            raise ValueError("marketplaces: a vendor and shop stands there twice")
        if sum(one.share for one in self.marketplaces) > 1.000001:
            raise ValueError("marketplaces: the shares add up to more than 1")
        if sum(one.share for one in (self.alipay, self.stripe) if one is not None) > 1.000001:
            raise ValueError("alipay, stripe: the shares add up to more than 1")
        secrets: dict[tuple[str, str], str] = {}
        tokens: set[tuple[str, str]] = set()
        for one in self.marketplaces:
            secret = one.secret.get_secret_value()
            if secrets.setdefault((one.vendor, one.app_key), secret) != secret:
                raise ValueError("marketplaces: one app_key has two secrets")
            for token in {one.access.get_secret_value(), one.refresh_token.get_secret_value()}:
                if (one.vendor, token) in tokens:
                    raise ValueError("marketplaces: two shops share a token")
                tokens.add((one.vendor, token))
        return self


def read_config(path: Path) -> Config:
    """Read the file; raises ConfigError with one line that says what is wrong."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    if mode & 0o077:
        raise ConfigError(f"{path}: holds secrets but is open to others (mode {mode:04o}); chmod 600 it")
    try:
        return Config.model_validate(json.loads(text))
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}: line {error.lineno}: not JSON: {error.msg}") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "file"
        raise ConfigError(f"{path}: {where}: {first['msg']}") from None
