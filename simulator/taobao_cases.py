"""Refunds and exchanges as Taobao shows them, and the answers it takes. Owns no state: cases.py does.

The list, one refund and their words are documented; the calls that answer are named as open clients name them.
"""

from collections.abc import Callable, Mapping

from simulator import taobao_wire as wire
from simulator.cases import NotNow, SaleCase
from simulator.clock import stamp
from simulator.market import Market
from simulator.plan_shops import child_no
from simulator.taobao_trade import status_of
from simulator.taobao_wire import Json, TopError, invalid, text, yuan

Params = Mapping[str, str]
MOST_PER_PAGE, DEFAULT_PAGE, MOST_PAGES = 100, 40, 1_000_000
WORDS = {
    "asked": "WAIT_SELLER_AGREE",
    "awaits_goods": "WAIT_BUYER_RETURN_GOODS",
    "sent": "WAIT_SELLER_CONFIRM_GOODS",
    "refused": "SELLER_REFUSE_BUYER",
    "closed": "CLOSED",
    "paid": "SUCCESS",
    "done": "SUCCESS",
}
TOPICS = {
    "asked": "RefundCreated",
    "awaits_goods": "RefundSellerAgreeAgreement",
    "sent": "RefundBuyerReturnGoods",
    "refused": "RefundSellerRefuseAgreement",
    "closed": "RefundClosed",
    "paid": "RefundSuccess",
    "done": "RefundSuccess",
}
KINDS = {"refund": "REFUND", "return": "REFUND_AND_RETURN", "exchange": "TMALL_EXCHANGE"}


def refund_list(shop: Market, params: Params) -> Json:
    """List the cases that changed in a window, the latest change first; an empty list is left out."""
    fields = text(params, "fields")
    begins, ends = wire.moment(params, "start_modified"), wire.moment(params, "end_modified")
    if not begins < ends:
        raise invalid("end_modified", "must be after start_modified")
    page = wire.whole(params, "page_no", 1, MOST_PAGES)
    size = wire.whole(params, "page_size", DEFAULT_PAGE, MOST_PER_PAGE)
    shop.check_lists()
    found = [case for case in shop.cases() if begins <= case.updated_at.replace(microsecond=0) <= ends]
    found.sort(key=lambda case: (case.updated_at, case.no), reverse=True)
    nodes = [wire.select(case_node(case), fields) for case in found[(page - 1) * size : page * size]]
    more: Json = {"total_results": len(found)}
    if params.get("use_has_next") == "true":
        more = {"has_next": page * size < len(found)}
    return {**more, **({"refunds": {"refund": nodes}} if nodes else {})}


def case_node(case: SaleCase) -> Json:
    """Write one case; it is about one child order."""
    order, (line_no, units) = case.order, next(iter(case.units.items()))
    lines = order.plan.basket.lines
    place = [line.no for line in lines].index(line_no)
    return {
        "refund_id": case.no,
        "tid": int(order.plan.no),
        "oid": int(child_no(order.plan.no, place, len(lines))),
        "status": WORDS[case.state],
        "order_status": status_of(order),
        "dispute_type": KINDS[case.kind],
        "refund_fee": yuan(case.minor),
        "refund_phase": "onsale",
        "refund_version": int(case.updated_at.timestamp() * 1000),
        "created": stamp(case.opened_at),
        "modified": stamp(case.updated_at),
        "title": lines[place].title,
        "num": units,
        "good_status": "BUYER_RECEIVED" if case.shipped else "BUYER_NOT_RECEIVED",
        "has_good_return": case.kind != "refund",
        "reason": "多拍/错拍/不想要",
        **({"company_name": case.company, "sid": case.waybill} if case.waybill else {}),
    }


def _agree_refund(shop: Market, params: Params) -> Json:
    parts = text(params, "refund_infos").split("|")
    if len(parts) != 4:
        raise invalid("refund_infos", "must be refund_id|amount|version|phase")
    case = _find(shop, parts[0])
    if parts[1] != str(case.minor):
        raise TopError(15, "isv.refund-fee-changed", "the amount is not what the buyer wants")
    if parts[2] != str(case_node(case)["refund_version"]) and not case.over:
        raise TopError(15, "isv.refund-version-changed", "the refund has changed meanwhile")
    _do(shop.answers.agree_refund, case)
    return {"succ": True, "results": {"refund_mapping_result": [{"refund_id": case.no, "succ": True}]}}


def _agree_return(shop: Market, params: Params) -> Json:
    _do(shop.answers.agree_return, _find(shop, text(params, "refund_id")))
    return {"succ": True}


def _refuse(shop: Market, params: Params) -> Json:
    words = text(params, "refuse_message")
    _do(lambda case: shop.answers.refuse(case, words), _find(shop, text(params, "refund_id")))
    return {"succ": True}


def _agree_exchange(shop: Market, params: Params) -> Json:
    _do(shop.answers.agree_return, _find(shop, text(params, "dispute_id")))
    return {"succ": True}


def _refuse_exchange(shop: Market, params: Params) -> Json:
    words = text(params, "leave_message")
    _do(lambda case: shop.answers.refuse(case, words), _find(shop, text(params, "dispute_id")))
    return {"succ": True}


def _exchange_sent(shop: Market, params: Params) -> Json:
    text(params, "logistics_no")
    _do(shop.answers.ship, _find(shop, text(params, "dispute_id")))
    return {"succ": True}


def _find(shop: Market, no: str) -> SaleCase:
    case = shop.find_case(no)
    if case is None:
        raise TopError(15, "isv.refund-not-exist", "the refund is not known")
    return case


def _do(act: Callable[[SaleCase], None], case: SaleCase) -> None:
    try:
        act(case)
    except NotNow as error:
        raise TopError(15, "isv.refund-status-error", f"退款已处理: {WORDS[case.state]}") from error


METHODS: Mapping[str, Callable[[Market, Params], Json]] = {
    "taobao.refunds.receive.get": refund_list,
    "taobao.rp.refunds.agree": _agree_refund,
    "taobao.rp.returngoods.agree": _agree_return,
    "taobao.rp.refund.refuse": _refuse,
    "tmall.exchange.agree": _agree_exchange,
    "tmall.exchange.refuse": _refuse_exchange,
    "tmall.exchange.consigngoods": _exchange_sent,
}
