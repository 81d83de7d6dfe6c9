"""The after-sales policy (AFT-2): a decision table, the first row that fits decides. Owns the rules and their words.

A cell that is empty fits everything. A row refuses with words for the buyer, approves at once, or asks for a review;
it also says who bears the freight, whether goods come back first, and whether photos are needed. What no row can
allow (more units than are left, an order that nobody paid) is refused before the table is asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from domain.after_sales import NEEDS_RETURN, OF_GOODS, CaseKind, Origin
from domain.permissions import Action, UserRole, may


class Phase(StrEnum):
    """How far the goods are when the buyer asks."""

    BEFORE_SHIPPING = "before_shipping"
    ON_THE_WAY = "on_the_way"
    RECEIVED = "received"


class Ruling(StrEnum):
    """What a row decides."""

    APPROVE = "approve"
    REVIEW = "review"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """One row. Conditions: kinds, phases, reasons, SKU prefixes, days since signing, amount, earlier cases, origins.

    `words_en` are the words for the buyers' page in English; empty: the Chinese ones are shown there too.
    `within_days` fits up to so many days after signing (or while it is not signed); `up_to_minor` fits cases whose
    money is at most that; `from_cases` fits buyers with at least so many cases in the policy's window.
    """

    name: str
    ruling: Ruling
    words: str = ""
    words_en: str = ""
    kinds: tuple[CaseKind, ...] = ()
    phases: tuple[Phase, ...] = ()
    origins: tuple[Origin, ...] = ()
    reasons: tuple[str, ...] = ()
    sku_prefixes: tuple[str, ...] = ()
    within_days: int | None = None
    up_to_minor: int | None = None
    from_cases: int | None = None
    freight_back: bool = False
    pay_before_return: bool = False
    needs_photo: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason that a buyer may choose, and whose fault it is (empty: nobody's): warehouse, courier, supplier, shop."""

    code: str
    words: str
    fault: str = ""
    words_en: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy in force. `return_days`: how long the buyer may take to send goods back; seconds for sped-up time.

    `agent_up_to_minor`: how much a service agent may grant at once; more is for those who also pay. None: no limit.
    `inspect` says that what comes back waits for an inspection (/pda) where the warehouse system grades nothing.
    """

    version: int
    rows: tuple[PolicyRow, ...]
    reasons: tuple[Reason, ...]
    return_seconds: float
    cases_window_days: int
    most_photos: int
    photo_bytes: int
    agent_up_to_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a case asks for and what is known of its order when it is checked.

    `units_left` per asked line; `open_cases` other open cases about one of these lines; `refundable_minor` what the
    lines may be paid back for at most; `wanted_minor` what is asked for; `buyer_cases` in the policy's window.
    """

    kind: CaseKind
    origin: Origin
    phase: Phase
    paid: bool
    skus: tuple[str, ...]
    reason: str
    signed_at: datetime | None
    refundable_minor: int
    wanted_minor: int
    photos: int = 0
    buyer_cases: int = 0
    too_many: tuple[str, ...] = field(default=())
    open_cases: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Checked:
    """What the check decided, by which row (from 1; 0: before the table), and why, in words."""

    ruling: Ruling
    words: str
    row: int = 0
    freight_back: bool = False
    pay_before_return: bool = False


def may_grant(role: UserRole | None, minor: int, up_to_minor: int | None) -> bool:
    """Say whether somebody may grant so much at once: more than an agent may is for those who also pay.

    No role: nobody whom the console knows, who may no more than an agent.
    """
    return up_to_minor is None or minor <= up_to_minor or (role is not None and may(role, Action.PAY_CASE))


def check(asked: Asked, policy: Policy, now: datetime) -> Checked:
    """Decide a case by the policy; a table without a fitting row asks for a review."""
    if reason := impossible(asked, policy):
        return Checked(Ruling.REFUSE, reason)
    for number, row in enumerate(policy.rows, start=1):
        if _fits(row, asked, now):
            return _decided(number, row, asked)
    return Checked(Ruling.REVIEW, "没有一行适用,由客服审核")


def impossible(asked: Asked, policy: Policy) -> str:
    """Say in the buyer's language why a case cannot be, whatever the policy; empty when it can."""
    if not asked.paid:
        return "订单还没有付款,无法申请售后"
    if asked.open_cases:
        return f"这些商品已有处理中的售后单 {'、'.join(asked.open_cases)},请等它结束"
    if asked.too_many:
        return f"申请数量超过可申请的数量:{'、'.join(asked.too_many)}"
    if asked.reason not in {reason.code for reason in policy.reasons}:
        return f"不认识的原因 {asked.reason!r}"
    if asked.kind in OF_GOODS and asked.refundable_minor <= 0:
        return "这些商品已经没有可退的金额"
    if asked.kind in NEEDS_RETURN and asked.phase is Phase.BEFORE_SHIPPING:
        return "商品还没有发出,请申请仅退款"
    if asked.wanted_minor > asked.refundable_minor:
        return f"申请金额 {asked.wanted_minor / 100:.2f} 超过可退金额 {asked.refundable_minor / 100:.2f}"
    return ""


def _decided(number: int, row: PolicyRow, asked: Asked) -> Checked:
    if row.needs_photo and not asked.photos and row.ruling is not Ruling.REFUSE:
        if asked.origin is Origin.CHANNEL:  # its buyer cannot hand in any here
            return Checked(
                Ruling.REVIEW, f"{row.words or row.name}:照片在平台上,请查看后决定", number, row.freight_back
            )
        return Checked(Ruling.REFUSE, f"{row.words or row.name}:请上传照片后再申请", number)
    return Checked(row.ruling, row.words or row.name, number, row.freight_back, row.pay_before_return)


def _fits(row: PolicyRow, asked: Asked, now: datetime) -> bool:
    return (
        (not row.kinds or asked.kind in row.kinds)
        and (not row.phases or asked.phase in row.phases)
        and (not row.origins or asked.origin in row.origins)
        and (not row.reasons or asked.reason in row.reasons)
        and _skus_fit(row.sku_prefixes, asked.skus)
        and _in_time(row.within_days, asked.signed_at, now)
        and (row.up_to_minor is None or asked.wanted_minor <= row.up_to_minor)
        and (row.from_cases is None or asked.buyer_cases >= row.from_cases)
    )


def _skus_fit(prefixes: Sequence[str], skus: Sequence[str]) -> bool:
    """A row about some goods fits a case with any of them."""
    return not prefixes or any(sku.startswith(tuple(prefixes)) for sku in skus)


def _in_time(within_days: int | None, signed_at: datetime | None, now: datetime) -> bool:
    return within_days is None or signed_at is None or now <= signed_at + timedelta(days=within_days)
