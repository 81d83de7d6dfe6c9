"""The rules of alerts as people see them: when, who, which way; and lines of the history (CFG-1, OPS-3)."""

from datetime import timedelta

import pytest

from clients.console.html import join
from clients.console.pages import alert_rules, alerts
from clients.console.pages.alert_rules import FIXED, LIMITS, limits_of, rules_for, told_of
from clients.console.setting_words import LABELS
from clients.console.words import ALERTS
from store import settings_docs
from store.database import Database
from store.reads.alerts import KindCount
from store.settings_docs import DOCUMENTS
from tests.conftest import NOON


def test_every_limit_of_the_page_is_a_value_of_its_document_and_has_words() -> None:
    for kind, (where, names) in LIMITS.items():
        assert kind in ALERTS, kind
        assert set(names) <= set(DOCUMENTS[where].model_fields), kind
        assert set(names) <= set(LABELS), kind
    assert set(FIXED) <= set(ALERTS)
    assert not set(FIXED) & set(LIMITS)


async def test_limits_are_those_in_force_and_lead_to_where_they_are_changed(database: Database) -> None:
    async with database.transaction() as tx:
        bodies = {"alerts": await settings_docs.in_force(tx, "alerts")}
    shown = join(limits_of("silence", bodies))
    assert 'href="/settings/alerts"' in shown
    assert "无新订单多久告警" in shown
    assert "30 分钟" in shown
    assert "10 %" in join(limits_of("limits", bodies))
    assert join(limits_of("pull", bodies)) == FIXED["pull"]
    assert "发生就告警" in join(limits_of("late_payment", bodies))


async def test_who_is_told_by_which_way_and_whether_that_way_is_there(database: Database) -> None:
    async with database.transaction() as tx:
        rules = await settings_docs.message_rules(tx)
    shown = join(told_of("silence", rules, frozenset({"smtp/mail"})))
    assert "邮件 / mail" in shown
    assert "短信 / sms" in shown
    assert shown.count("账号未连接") == 1
    assert "夜间也发" in shown
    assert "只在控制台显示" in join(told_of("late_payment", rules, frozenset()))
    assert [rule.template for rule in rules_for("limits", rules)] == ["limits"]


def test_what_is_open_stands_first_and_every_kind_stands_somewhere() -> None:
    found = alert_rules.ordered({"new_kind": KindCount(1, 1, NOON), "pull": KindCount(0, 3, NOON)})
    assert found[:2] == ["new_kind", "pull"]
    assert set(found) == {*ALERTS, "new_kind"}


@pytest.mark.parametrize(("seconds", "said"), [(5, "5 秒"), (120, "2 分钟"), (7199, "120 分钟"), (9000, "2.5 小时")])
def test_how_long_an_alert_lasted_is_said_roughly(seconds: float, said: str) -> None:
    assert alerts.lasted(NOON, NOON + timedelta(seconds=seconds)) == said
