"""Returns at a Qimen warehouse: announced, withdrawn, confirmed with leniency, asked about (AFT-3, AFT-6, INT-17)."""

from dataclasses import replace

import pytest

from connectors.inbound import Genuine
from connectors.warehouses.qimen_inbound import QimenInbound
from domain.counting import Grade
from domain.errors import Broken, Refused, Unparsable
from domain.observations import ReceivedLine, ReturnConfirmed
from domain.returns import ReturnLine, ReturnOrder
from tests.connectors.test_qimen_calls import no, says, sent, wms
from tests.connectors.worlds import QIMEN, Stranger, push

BACK = ReturnOrder(
    "C2611220001", "GZ01", False, "F2611220001", "T1", "damaged", (ReturnLine("1", "TEE", 2), ReturnLine("2", "CAP", 1))
)
OK = "<response><flag>success</flag><returnOrderId>R7</returnOrderId></response>"
HEAD = (
    "<returnOrderCode>C2611220001</returnOrderCode><warehouseCode>GZ01</warehouseCode><outBizCode>R7-1</outBizCode>"
    "<logisticsCode>SF</logisticsCode><expressCode>sf99</expressCode>"
    "<orderConfirmTime>2026-11-22 21:00:00</orderConfirmTime>"
)


def line(sku: str, units: str, kind: str = "", number: str = "1", more: str = "") -> str:
    graded = f"<inventoryType>{kind}</inventoryType>" if kind else ""
    return (
        f"<orderLine><orderLineNo>{number}</orderLineNo><itemCode>{sku}</itemCode>{graded}"
        f"<actualQty>{units}</actualQty>{more}</orderLine>"
    )


def read(head: str, lines: str) -> Genuine:
    query = {"method": "taobao.qimen.returnorder.confirm", "timestamp": "2026-11-22 21:29:00"}
    body = f"<request><returnOrder>{head}</returnOrder><orderLines>{lines}</orderLines></request>".encode()
    return QimenInbound(QIMEN).parse(push(body, query, {"content-type": "text/xml;charset=utf-8"}))


def confirmed(head: str, lines: str) -> ReturnConfirmed:
    (seen,) = read(head, lines).observations
    assert isinstance(seen, ReturnConfirmed)
    return seen


async def test_a_return_is_announced_whole_and_a_repeat_is_a_success() -> None:
    stranger = Stranger(says(OK))
    assert await wms(stranger).announce_return(BACK) == "R7"
    query, root = sent(stranger)
    assert query["method"] == "taobao.qimen.returnorder.create"
    assert {node.tag: node.text for node in root.findall("returnOrder/*")} == {
        "returnOrderCode": "C2611220001",
        "warehouseCode": "GZ01",
        "orderType": "THRK",
        "preDeliveryOrderCode": "F2611220001",
        "logisticsCode": "OTHER",
        "returnReason": "damaged",
    }
    wanted = [(one.findtext("itemCode"), one.findtext("planQty")) for one in root.findall("orderLines/orderLine")]
    assert wanted == [("TEE", "2"), ("CAP", "1")]
    assert await wms(Stranger(no("E1", "退货单已存在"))).announce_return(BACK) == ""
    with pytest.raises(Refused, match="not known"):
        await wms(Stranger(no("E2", "item not known"))).announce_return(BACK)


async def test_an_exchange_and_its_parcel_are_named() -> None:
    stranger = Stranger(says(OK))
    await wms(stranger).announce_return(replace(BACK, exchange=True, carrier="SF", waybill_no="SF99"))
    root = sent(stranger)[1]
    names = ("orderType", "logisticsCode", "expressCode")
    assert [root.findtext(f"returnOrder/{name}") for name in names] == ["HHRK", "SF", "SF99"]


@pytest.mark.parametrize(
    ("answer", "gone"),
    [
        (says("<response><flag>success</flag></response>"), True),
        (no("E1", "单据不存在"), True),
        (no("E1", "已取消"), True),
        (no("E1", "货物已入库"), False),
    ],
)
async def test_a_return_is_withdrawn_unless_it_has_arrived(answer: object, gone: bool) -> None:
    stranger = Stranger(answer)  # type: ignore[arg-type]
    assert await wms(stranger).withdraw_return("C1", "GZ01", False) is gone
    assert sent(stranger)[1].findtext("orderType") == "THRK"


async def test_a_withdrawal_with_a_wrong_key_is_no_answer_about_the_goods() -> None:
    with pytest.raises(Refused):
        await wms(Stranger(no("sign-check-failure", "Illegal request"))).withdraw_return("C1", "GZ01", True)


def test_a_confirm_tells_grades_apart_also_of_one_sku_on_two_lines() -> None:
    seen = confirmed(HEAD, line("TEE", "1.0000", "ZP") + line("TEE", "2", "cc", "2") + line("CAP", "1", "XS", "3"))
    assert (seen.case_no, seen.confirm_id, seen.warehouse) == ("C2611220001", "R7-1", "GZ01")
    assert (seen.carrier, seen.waybill_no, seen.total) == ("SF", "SF99", False)
    assert seen.lines == (
        ReceivedLine("TEE", Grade.GOOD, 1, "1"),
        ReceivedLine("TEE", Grade.DEFECTIVE, 2, "2"),
        ReceivedLine("CAP", Grade.DEFECTIVE, 1, "3"),
    )


def test_a_parcel_that_nobody_announced_has_no_code_of_ours() -> None:
    more = "<sourceOrderCode>T1</sourceOrderCode>"
    head = "<warehouseCode>GZ01</warehouseCode><expressCode>SF99</expressCode>"
    seen = confirmed(head, line("TEE", "1", more=more))
    assert (seen.case_no, seen.waybill_no, seen.order_no) == ("", "SF99", "T1")
    assert len(seen.confirm_id) == 32


def test_the_same_message_has_the_same_key_and_another_one_another() -> None:
    first, again = (read(HEAD, line("TEE", "1")).key for _ in range(2))
    assert first == again == "return:C2611220001:R7-1"
    assert read("<warehouseCode>GZ01</warehouseCode>", line("TEE", "1")).key != first


@pytest.mark.parametrize(
    ("head", "lines", "said"),
    [
        (HEAD, "", "say what came back"),
        (HEAD, line("TEE", "x"), "actualQty"),
        (HEAD, line("TEE", "-1"), "actualQty"),
        (HEAD, line("", "1"), "itemCode"),
        (HEAD, line("TEE", "1", "QQ"), "inventoryType"),
        ("<returnOrderCode>C1</returnOrderCode>", line("TEE", "1"), "warehouseCode"),
        (HEAD.replace("21:00:00", "noon"), line("TEE", "1"), "orderConfirmTime"),
    ],
)
def test_a_bad_confirm_names_its_field(head: str, lines: str, said: str) -> None:
    with pytest.raises(Unparsable, match=said):
        read(head, lines)


def answer(lines: str, number: str = "C1") -> str:
    head = f"<returnOrderCode>{number}</returnOrderCode><warehouseCode>GZ01</warehouseCode>"
    return f"<response><flag>success</flag><returnOrder>{head}</returnOrder><orderLines>{lines}</orderLines></response>"


async def test_a_question_gives_all_that_came_so_far_and_nothing_before_it_came() -> None:
    stranger = Stranger(says(answer(line("TEE", "2"))))
    found = await wms(stranger).returned_so_far("C1", "GZ01")
    assert found is not None
    assert found[0].total
    assert found[0].confirm_id.startswith("query:")
    query, root = sent(stranger)
    assert (query["method"], root.findtext("returnOrderCode")) == ("taobao.qimen.returnorder.query", "C1")
    assert await wms(Stranger(says(answer(line("TEE", "0"))))).returned_so_far("C1", "GZ01") is None
    assert await wms(Stranger(no("E1", "order-not-found"))).returned_so_far("C1", "GZ01") is None
    with pytest.raises(Broken, match="another return"):
        await wms(Stranger(says(answer(line("TEE", "1"), "C2")))).returned_so_far("C1", "GZ01")
    with pytest.raises(Refused):
        await wms(Stranger(no("isv.invalid-method", "not offered"))).returned_so_far("C1", "GZ01")
