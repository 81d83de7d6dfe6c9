"""Which buyers apply for after-sales at their shop, for what and when; the seed decides, and nobody by default."""

from dataclasses import replace

from simulator.orders import Act, CaseKind, Fate
from simulator.seeds import draw_evenly, rng
from simulator.settings import Config
from simulator.warehouse import SHIPPED


def apply_for_cases(config: Config, n: int, fate: Fate, acts: tuple[Act, ...]) -> tuple[Act, ...]:
    """Let money go back by a case where it went without one; and some buyers who only paid apply for one."""
    profile = config.profile
    source = rng(config.seed, "case", n)
    if fate in ("refunded", "part_refunded") and draw_evenly(config.seed, "refund cases", n, source) < (
        profile.refunds_by_case
    ):
        return tuple(_by_case(act) for act in acts)
    if fate != "paid" or draw_evenly(config.seed, "cases", n, source) >= profile.case_share:
        return acts
    kind = _kind(source.random(), profile.case_return_share, profile.case_exchange_share)
    stage = SHIPPED if kind != "refund" or source.random() < profile.case_shipped_share else ""
    return (*acts, Act("paid", source.uniform(0, profile.cancel_within), stage, case=kind))


def _by_case(act: Act) -> Act:
    if act.status == "refunded":
        return replace(act, status="paid", case="refund")
    return replace(act, case="refund") if act.refund_minor else act


def _kind(draw: float, returns: float, exchanges: float) -> CaseKind:
    if draw < returns:
        return "return"
    return "exchange" if draw < returns + exchanges else "refund"
