"""The connection board says what a connection lacks, worst first, and how it is otherwise (INT-18)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from clients.console.pages.shops import LACKS, health, lacking
from domain.connections import WORDS
from domain.watch import AlertLimits
from store.reads.shops import ShopRow
from tests.conftest import NOON
from tests.workflows.house import PULLS

LIMITS = AlertLimits(15, 60, 60, 30, 900, 3600, 3600, call_attempts=8, stock_push_seconds=60)
ROW = ShopRow(
    vendor="douyin", code="dy", role="sales", active=True, backup=True, created_at=NOON - timedelta(days=3),
    pull_scheduled=True, looked_at=NOON, silence_seconds=None, order_at=NOON, has_token=True, pushed_at=NOON,
    pulled_at=NOON, watermark=NOON, pull_failures=0, pull_reason="", token_expires_at=NOON + timedelta(days=30),
    params=[], stock_told_at=None, stock_refused=0, stock_waits_since=None, refused_calls=0, waiting=0,
    waiting_since=None, unverified=0,
)  # fmt: skip

BOARD = [
    (ROW, ("正常", "good")),
    (replace(ROW, pull_scheduled=False), ("没有安排拉取", "bad")),
    (replace(ROW, pushed_at=NOON - timedelta(hours=2)), ("有订单而没有推送", "bad")),
    (replace(ROW, vendor="taobao", pushed_at=None), ("正常", "good")),
    (replace(ROW, vendor="taobao", pushed_at=None, params=["tmc_group", "seller_id"]), ("有订单而没有推送", "bad")),
    (replace(ROW, pulled_at=NOON - timedelta(hours=2)), ("很久没有拉取成功", "bad")),
    (replace(ROW, pull_failures=3, pull_reason="HTTP 503"), ("拉取一直失败：HTTP 503", "bad")),
    (replace(ROW, has_token=False, token_expires_at=None), ("还没有授权", "bad")),
    (replace(ROW, token_expires_at=NOON + timedelta(days=1)), ("授权快到期", "warn")),
    (replace(ROW, active=False, pull_scheduled=False), ("已停用", "calm")),
    (replace(ROW, vendor="qimen", role="warehouse", pull_scheduled=None), ("正常", "good")),
]


@pytest.mark.parametrize(("row", "said"), BOARD)
def test_a_shop_is_said_to_be_as_it_is(row: ShopRow, said: tuple[str, str]) -> None:
    assert health(row, lacking(row, LIMITS, PULLS, NOON), NOON) == said


def test_every_lack_has_words() -> None:
    assert set(LACKS) == set(WORDS)
