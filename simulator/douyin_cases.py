"""After-sales cases as Douyin shows them, and the answers it takes. Owns no state: cases.py does.

States, types and amounts are documented; the rows' shape and the numbers of operations are as open clients have them.
"""

from collections.abc import Callable, Mapping

from simulator.cases import NotNow, SaleCase
from simulator.douyin_order import seconds
from simulator.douyin_wire import BUSINESS, DouyinError, Json, invalid, text, whole
from simulator.market import Market
from simulator.plan_shops import child_no

MOST_PER_PAGE, MOST_ROWS, LATEST_MOMENT = 100, 50_000, 10**11
NO_TIME, BAD_PAGE, BAD_SIZE = 20011, 10035, 20008
STATUSES = {"asked": 6, "awaits_goods": 7, "sent": 11, "refused": 27, "closed": 28, "paid": 12, "done": 14}
MONEY = {"paid": 3}
TAGS = {"asked": "200", "awaits_goods": "202", "sent": "203", "refused": "204", "paid": "206", "closed": "207"}
"""What is pushed when a case comes to a state; of an exchange that is done there is no tag among those we know."""
TYPES = {"return": 0, "exchange": 3}
ONLY_REFUND_SHIPPED, ONLY_REFUND_UNSHIPPED = 1, 2


def status_of(case: SaleCase) -> int:
    return STATUSES[case.state]


def type_of(case: SaleCase) -> int:
    only = ONLY_REFUND_SHIPPED if case.shipped else ONLY_REFUND_UNSHIPPED
    return TYPES.get(case.kind, only)


def case_list(shop: Market, params: Json) -> Json:
    """List the cases that changed in a window, both ends included, the oldest change first; pages count from 0."""
    begins, ends = (whole(params, f"update_{end}_time", (0, LATEST_MOMENT), NO_TIME) for end in ("start", "end"))
    page, size = whole(params, "page", (0, MOST_ROWS), BAD_PAGE), whole(params, "size", (1, MOST_PER_PAGE), BAD_SIZE)
    if params.get("order_by") != ["update_time asc"]:
        raise invalid("order_by", 'order_by must be ["update_time asc"]')
    shop.check_lists()
    found = [case for case in shop.cases() if begins <= seconds(case.updated_at) <= ends]
    found.sort(key=lambda case: (case.updated_at, case.no))
    rows = [_row(case) for case in found[page * size : (page + 1) * size]]
    return {"page": page, "size": size, "total": len(found), "items": rows}


def _row(case: SaleCase) -> Json:
    named = {f"aftersale_{name}": value for name, value in _named(case).items()}
    parts = [{"sku_order_id": no, "aftersale_item_num": units} for no, units in _children(case)]
    return {
        "aftersale_info": {**named, **_state(case)},
        "order_info": {"shop_order_id": case.order.plan.no, "related_order_info": parts},
    }


def detail(shop: Market, params: Json) -> Json:
    """Show one case."""
    case = _find(shop, text(params, "after_sale_id"))
    named = {f"after_sale_{name}": value for name, value in _named(case).items()}
    parts = [{"sku_order_id": no, "after_sale_item_count": units} for no, units in _children(case)]
    return {
        "process_info": {"after_sale_info": {**named, **_state(case)}},
        "order_info": {"shop_order_id": case.order.plan.no, "sku_order_infos": parts},
    }


def _named(case: SaleCase) -> Json:
    return {"id": case.no, "status": status_of(case), "type": type_of(case)}


def _state(case: SaleCase) -> Json:
    return {
        "refund_status": MONEY.get(case.state, 0),
        "refund_amount": case.minor,
        "apply_time": seconds(case.opened_at),
        "update_time": seconds(case.updated_at),
        "reason": "不想要了",
        "return_logistics_company_code": case.company,
        "return_logistics_code": case.waybill,
    }


def _children(case: SaleCase) -> list[tuple[str, int]]:
    lines = case.order.plan.basket.lines
    places = {line.no: place for place, line in enumerate(lines)}
    return [(child_no(case.order.plan.no, places[no], len(lines)), units) for no, units in case.units.items()]


def operate(shop: Market, params: Json) -> Json:
    """Take answers; what cannot be done now is told for each case."""
    number, items = whole(params, "type", (1, 1_000)), params.get("items")
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        raise invalid("items", "items must name cases")
    return {"items": [_one(shop, number, item) for item in items]}


def _one(shop: Market, number: int, item: Json) -> Json:
    case = _find(shop, text(item, "aftersale_id"))
    act = _acts(shop, item).get(number)
    if act is None:
        raise invalid("type", f"type {number} is no operation")
    try:
        act(case)
    except NotNow as error:
        return {"aftersale_id": case.no, "status_code": 1, "status_msg": f"售后单已处理: {error}"}
    return {"aftersale_id": case.no, "status_code": 0, "status_msg": ""}


def _acts(shop: Market, item: Json) -> Mapping[int, Callable[[SaleCase], None]]:
    answers, words = shop.answers, str(item.get("reason", ""))

    def refuse(case: SaleCase) -> None:
        answers.refuse(case, words)

    return {
        **dict.fromkeys((101, 301), answers.agree_return),
        **dict.fromkeys((111, 201), answers.agree_refund),
        **dict.fromkeys((102, 112, 202, 302), refuse),
        311: answers.ship,
    }


def _find(shop: Market, no: str) -> SaleCase:
    case = shop.find_case(no)
    if case is None:
        raise DouyinError(BUSINESS, "isv.business-failed:aftersale-not-exist", "the case is not known")
    return case


METHODS: Mapping[str, Callable[[Market, Json], Json]] = {
    "afterSale.List": case_list,
    "afterSale.Detail": detail,
    "afterSale.operate": operate,
}
SHOWING = frozenset({"afterSale.List", "afterSale.Detail"})
