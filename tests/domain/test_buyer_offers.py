"""What buyers may ask for, and what is hidden in couriers' words (AFT-2, SEC-1)."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain.after_sales import CaseKind, Origin
from domain.after_sales_policy import Asked, Phase, Policy, PolicyRow, Reason, Ruling, check
from domain.buyer_offers import masked_scan, reasons_for, why_no_reason

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
ROWS = (
    PolicyRow("food", Ruling.REFUSE, "no food", reasons=("plain",), sku_prefixes=("FOOD",)),
    PolicyRow("broken", Ruling.APPROVE, "broken", reasons=("broken",), needs_photo=True, freight_back=True),
    PolicyRow("plain", Ruling.APPROVE, "fine", reasons=("plain",)),
    PolicyRow("never", Ruling.REFUSE, "never", reasons=("never",)),
)
POLICY = Policy(
    1, ROWS, (Reason("plain", "Plain"), Reason("broken", "Broken"), Reason("never", "Never")), 60, 90, 6, 10
)
ASKED = Asked(CaseKind.RETURN, Origin.BUYER, Phase.RECEIVED, True, ("A",), "plain", NOW, 1000, 1000)


def test_each_reason_is_offered_as_the_check_will_decide_it() -> None:
    plain, broken, never = reasons_for(ASKED, POLICY, NOW)
    assert (plain.why_not, plain.needs_photo) == ("", False)
    assert (broken.why_not, broken.needs_photo, broken.checked.freight_back) == ("", True, True)
    assert (never.why_not, never.needs_photo) == ("never", False)
    for one in (plain, broken, never):
        decided = check(replace(ASKED, reason=one.code, photos=1), POLICY, NOW)
        assert (decided.ruling is Ruling.REFUSE) == bool(one.why_not)


def test_a_kind_without_any_reason_says_why_and_one_with_a_reason_says_nothing() -> None:
    assert why_no_reason(reasons_for(ASKED, POLICY, NOW)) == ""
    unpaid = reasons_for(replace(ASKED, paid=False), POLICY, NOW)
    assert why_no_reason(unpaid) == "订单还没有付款,无法申请售后"
    assert reasons_for(replace(ASKED, skus=("FOOD-1",)), POLICY, NOW)[0].why_not == "no food"


@pytest.mark.parametrize(
    ("said", "hidden", "kept"),
    [
        ("快件已由张三丰(13800138000)签收", ("张三丰", "13800138000"), "签收"),
        ("派件员:王小二,电话 138-0013-8000", ("王小二", "138-0013-8000"), "派件员"),
        ("已签收,签收人:李四光", ("李四光",), "已签收"),
        ("【广州市】已离开 白云分拨中心", (), "【广州市】已离开 白云分拨中心"),
        ("您的快件已送达 菜鸟驿站 02088886666", ("02088886666",), "菜鸟驿站"),
        ("张三丰 本人签收", ("张三丰",), "本人签收"),
    ],
)
def test_names_and_phones_are_hidden_in_what_couriers_write(said: str, hidden: tuple[str, ...], kept: str) -> None:
    shown = masked_scan(said, ("张三丰",))
    assert kept in shown
    assert not [one for one in hidden if one in shown]
