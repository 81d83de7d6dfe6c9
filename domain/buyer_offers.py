"""What a buyer may ask for now, and why not the rest: the policy tried for every kind and reason before asking (AFT-2).

Owns no rule: each answer is what after_sales_policy.check would say of such a case. What buyers see of couriers' words
is masked here too.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain.after_sales import CaseKind
from domain.after_sales_policy import Asked, Checked, Policy, Ruling, check

KINDS = tuple(CaseKind)
"""The kinds of the buyers' page (AFT-1): all of them, where the policy allows it."""
NAMES_AMOUNT = frozenset({CaseKind.PRICE, CaseKind.COMPENSATION})
"""For these the buyer names an amount; no goods move."""
LEAST_MINOR = 1
"""What is asked for where nobody has named an amount yet: whether the policy allows any is the question."""
MOST_REASONS_TOLD = 2
_PLACES = ("站", "柜", "店", "部", "点", "市", "区", "心", "库", "号")
_DIGITS = re.compile(r"(?<!\d)(\d{3})[\d -]{4,9}(\d{4})(?!\d)")
_NAMED = re.compile(r"([\u4e00-\u9fff])[\u4e00-\u9fff·]{1,3}(?=\s*[(（【\[,，:：]?\s*(?:电话|手机)?[:：]?\s*\+?\d{3})")
_TITLED = re.compile(
    r"((?:签收人|收件人|派件员|快递员|业务员|派送员|联系人)\s*[:：是]?\s*[【\[]?)([\u4e00-\u9fff])[\u4e00-\u9fff·]{1,3}"
)


@dataclass(frozen=True, slots=True)
class ReasonOffer:
    """One reason of the policy for one kind. `why_not` empty: it may be chosen; `checked` is what comes of it then."""

    code: str
    words: str
    why_not: str
    needs_photo: bool
    checked: Checked


def reasons_for(asked: Asked, policy: Policy, now: datetime) -> tuple[ReasonOffer, ...]:
    """Try every reason of the policy for a case, without a photo and with one."""
    return tuple(_tried(replace(asked, reason=one.code), one.words, policy, now) for one in policy.reasons)


def why_no_reason(offers: Sequence[ReasonOffer]) -> str:
    """Say why no reason at all can be chosen; empty when one can."""
    if any(not one.why_not for one in offers):
        return ""
    return ";".join(list(dict.fromkeys(one.why_not for one in offers))[:MOST_REASONS_TOLD])


def masked_scan(text: str, names: Sequence[str] = ()) -> str:
    """Hide phones and names in what a courier wrote: `names` are those we know, others are found by their place."""
    for name in names:
        if len(name) > 1:
            text = text.replace(name, name[0] + "*" * min(len(name) - 1, 2))
    text = _TITLED.sub(r"\1\2**", _NAMED.sub(_hidden, text))
    return _DIGITS.sub(r"\1****\2", text)


def _hidden(found: re.Match[str]) -> str:
    """Hide a name before a number, but not the place where the parcel waits."""
    return found[0] if found[0].endswith(_PLACES) else f"{found[1]}**"


def _tried(asked: Asked, words: str, policy: Policy, now: datetime) -> ReasonOffer:
    bare = check(replace(asked, photos=0), policy, now)
    shown = check(replace(asked, photos=1), policy, now)
    refused = shown.words if shown.ruling is Ruling.REFUSE else ""
    return ReasonOffer(asked.reason, words, refused, not refused and bare.ruling is Ruling.REFUSE, shown)
