"""What a Qimen warehouse pushes, as the standard has it and as real warehouses write it."""

from datetime import UTC, datetime
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring

from connectors.inbound import Genuine, Outcome
from connectors.warehouses.qimen_inbound import QimenInbound
from domain.errors import Unparsable
from domain.observations import Package, PackedItem, ProcessReported, ShipmentConfirmed
from tests.connectors.worlds import NOW, QIMEN, push

CONFIRM = "taobao.qimen.deliveryorder.confirm"
REPORT = "taobao.qimen.orderprocess.report"


def read(body: str | bytes, method: str = CONFIRM, content_type: str = "text/xml;charset=utf-8") -> Genuine:
    raw = body.encode() if isinstance(body, str) else body
    query = {"method": method, "timestamp": "2026-11-22 21:29:00"}
    return QimenInbound(QIMEN).parse(push(raw, query, {"content-type": content_type}))


def confirm(head: str = "", packages: str = "", lines: str = "") -> str:
    order = f"<deliveryOrder><deliveryOrderCode>F1</deliveryOrderCode>{head}</deliveryOrder>"
    return f"<request>{order}<packages>{packages}</packages><orderLines>{lines}</orderLines></request>"


def parcel(waybill: str, *items: tuple[str, str], carrier: str = "SF", weight: str = "") -> str:
    inner = "".join(f"<item><itemCode>{sku}</itemCode><quantity>{units}</quantity></item>" for sku, units in items)
    code = f"<logisticsCode>{carrier}</logisticsCode>" if carrier else ""
    express = f"<expressCode>{waybill}</expressCode>"
    return f"<package>{code}{express}<weight>{weight}</weight><items>{inner}</items></package>"


def line(sku: str, units: str) -> str:
    batch = "<batchs><batch><actualQty>99</actualQty></batch></batchs>"
    return f"<orderLine><itemCode>{sku}</itemCode><actualQty>{units}</actualQty>{batch}</orderLine>"


def shipment(body: str) -> ShipmentConfirmed:
    (observed,) = read(body).observations
    assert isinstance(observed, ShipmentConfirmed)
    return observed


def test_a_full_confirm_is_read() -> None:
    head = (
        "<warehouseCode>GZ01</warehouseCode><status>DELIVERED</status><outBizCode>OB-1</outBizCode>"
        "<confirmType>0</confirmType><orderConfirmTime>2026-11-22 21:20:05</orderConfirmTime>"
    )
    genuine = read(confirm(head, parcel("SF1", ("A", "2"), ("B", "1.0000"), weight="0.5300")))
    assert genuine.key == "confirm:F1:OB-1"
    assert genuine.sent_at == datetime(2026, 11, 22, 13, 29, tzinfo=UTC)
    (observed,) = genuine.observations
    assert isinstance(observed, ShipmentConfirmed)
    assert (observed.fulfillment_no, observed.warehouse, observed.final) == ("F1", "GZ01", True)
    assert observed.confirmed_at == datetime(2026, 11, 22, 13, 20, 5, tzinfo=UTC)
    assert observed.packages == (Package("SF", "SF1", "0.53", (PackedItem("A", 2), PackedItem("B", 1))),)


@pytest.mark.parametrize("method", ["deliveryorder.confirm", CONFIRM])
def test_both_spellings_of_a_method_are_known(method: str) -> None:
    assert read(confirm("", parcel("SF1")), method).observations


@pytest.mark.parametrize(
    ("head", "final"),
    [
        ("", True),
        ("<confirmType>1</confirmType>", False),
        ("<status>PARTDELIVERED</status>", False),
        ("<status>DELIVERED</status>", True),
        ("<confirmType>0</confirmType><status>PARTDELIVERED</status>", True),
        ("<confirmType>x</confirmType><status>delivered</status>", True),
    ],
)
def test_a_confirm_without_status_or_type_is_final(head: str, final: bool) -> None:
    assert shipment(confirm(head, parcel("SF1"))).final is final


@pytest.mark.parametrize("status", ["REJECT", "EXCEPTION", "CLOSED", "CANCELED"])
def test_a_confirm_that_ships_nothing_is_a_step(status: str) -> None:
    (observed,) = read(confirm(f"<status>{status}</status>")).observations
    assert observed == ProcessReported("F1", status, datetime(2026, 11, 22, 13, 29, tzinfo=UTC))


def test_several_packages_keep_their_own_items() -> None:
    both = parcel("SF1", ("A", "1")) + parcel("YT2", ("A", "1"), ("A", "2"), carrier="YTO", weight="315.0000")
    assert shipment(confirm("", both, line("A", "4"))).packages == (
        Package("SF", "SF1", "", (PackedItem("A", 1),)),
        Package("YTO", "YT2", "315", (PackedItem("A", 3),)),
    )


def test_without_items_the_lines_say_what_left() -> None:
    lines = line("A", "2") + line("B", "0") + line("A", "1")
    packages = shipment(confirm("", parcel("SF1") + parcel("SF2"), lines)).packages
    assert [package.items for package in packages] == [(PackedItem("A", 3),), ()]


def test_carrier_and_waybill_of_the_order_stand_in() -> None:
    head = "<logisticsCode>ZTO</logisticsCode><expressCode>Z9</expressCode>"
    assert shipment(confirm(head, "", line("A", "1"))).packages == (Package("ZTO", "Z9", "", (PackedItem("A", 1),)),)
    assert shipment(confirm(head, parcel("", carrier=""))).packages[0].waybill_no == "Z9"
    assert shipment(confirm("", parcel("X1", carrier=""))).packages[0].carrier == "OTHER"


def test_the_same_shipment_told_twice_has_one_confirm_id() -> None:
    first = confirm("<outBizCode>1</outBizCode>", parcel("SF1", ("A", "1")) + parcel("SF2", ("B", "1")))
    again = confirm("<outBizCode>2</outBizCode>", parcel("SF2", ("B", "1")) + parcel("SF1", ("A", "1.0")))
    other = confirm("", parcel("SF1", ("A", "1")))
    assert shipment(first).confirm_id == shipment(again).confirm_id != shipment(other).confirm_id


def test_a_confirm_without_id_is_told_apart_by_its_body() -> None:
    one, two = confirm("", parcel("SF1")), confirm("", parcel("SF2"))
    assert read(one).key == read(one).key != read(two).key


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("<request/>", "deliveryOrder.deliveryOrderCode is missing"),
        (confirm(), "packages: none given"),
        (confirm("", parcel("")), "packages.package[0].expressCode is missing"),
        (confirm("", parcel("SF1", ("", "1"))), "items.item[0].itemCode is missing"),
        (confirm("", parcel("SF1", ("A", "1.5"))), "quantity is not a whole number"),
        (confirm("", parcel("SF1", ("A", "1e99"))), "quantity is not a whole number"),
        (confirm("<operateTime>today</operateTime>", parcel("SF1")), "deliveryOrder.operateTime: not yyyy"),
        (confirm("", parcel("SF1") * 201), "packages: more than 200"),
        ("<response/>", "root element is not request"),
        ("no xml", "not well-formed XML (line 1"),
        ("", "not well-formed XML"),
        ("<request>&nothing;</request>", "not well-formed"),
        ("<a>" * 30 + "</a>" * 30, "nested deeper than 20"),
        ("<request>" + "<a/>" * 20_001 + "</request>", "more than 20000 elements"),
        ("<request>" + " " * 1024 * 1024 + "</request>", "larger than 1048576 bytes"),
    ],
)
def test_a_bad_confirm_is_refused_with_the_field(body: str, words: str) -> None:
    with pytest.raises(Unparsable) as caught:
        read(body)
    assert words in caught.value.reason


LAUGHS = '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><request>&b;</request>'
FILE = '<!DOCTYPE f [<!ENTITY x SYSTEM "file:///etc/passwd">]><request>&x;</request>'
REMOTE = '<!DOCTYPE r SYSTEM "http://evil.example/x.dtd"><request/>'


@pytest.mark.parametrize("bomb", [LAUGHS, FILE, REMOTE])
def test_bombs_and_foreign_entities_are_refused_in_clear_words(bomb: str) -> None:
    with pytest.raises(Unparsable, match="declares a DTD or an entity, which is not allowed"):
        read(bomb)


def test_an_unknown_method_is_named() -> None:
    with pytest.raises(Unparsable, match=r"'itemlack.report' is not one we take"):
        read("<request/>", "taobao.qimen.itemlack.report")


GBK = confirm("<operatorCode>张三</operatorCode><status>REJECT</status>").encode("gbk")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (GBK, "text/xml; charset=GBK"),
        (b'<?xml version="1.0" encoding="gb2312"?>' + GBK, "text/xml"),
        (b"\xef\xbb\xbf" + GBK.decode("gbk").encode(), ""),
    ],
)
def test_the_encoding_comes_from_the_header_or_the_declaration(body: bytes, content_type: str) -> None:
    (observed,) = read(body, content_type=content_type).observations
    assert isinstance(observed, ProcessReported)
    assert observed.operator == "张三"


@pytest.mark.parametrize(
    ("content_type", "words"),
    [("text/xml", "not utf-8"), ("text/xml;charset=utf-7", "utf-7 is not supported")],
)
def test_another_encoding_is_refused(content_type: str, words: str) -> None:
    with pytest.raises(Unparsable, match=words):
        read(GBK, content_type=content_type)


def report(status: str = "PACKAGE", more: str = "<operateTime>2026-11-22 21:10:00</operateTime>") -> str:
    process = f"<processStatus>{status}</processStatus>{more}"
    return f"<request><order><orderCode>F1</orderCode></order><process>{process}</process></request>"


def test_a_process_report_is_read() -> None:
    more = "<operateTime>2026-11-22 21:10:00</operateTime><operatorName>王五</operatorName>"
    genuine = read(report(more=more + "<operateInfo>3 号台</operateInfo>"), REPORT)
    at = datetime(2026, 11, 22, 13, 10, tzinfo=UTC)
    assert genuine.observations == (ProcessReported("F1", "PACKAGE", at, "王五", "3 号台"),)
    assert genuine.key.startswith("process:F1:PACKAGE:2026-11-22 21:10:00:")


def test_two_reports_of_one_second_are_two_messages() -> None:
    moment = "<operateTime>2026-11-22 21:10:00</operateTime><expressCode>{}</expressCode>"
    keys = {read(report(more=moment.format(waybill)), REPORT).key for waybill in ("SF1", "SF2", "SF1")}
    assert len(keys) == 2


def test_a_report_without_time_takes_the_time_of_sending() -> None:
    (observed,) = read(report(more=""), REPORT).observations
    assert isinstance(observed, ProcessReported)
    assert observed.reported_at == datetime(2026, 11, 22, 13, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    ("outcome", "reason", "wanted"),
    [
        (Outcome.ACCEPTED, "", ("success", "0", None)),
        (Outcome.DUPLICATE, "", ("success", "0", None)),
        (Outcome.FORGED, "sign <bad>", ("failure", "sign-check-failure", "sign <bad>")),
        (Outcome.UNPARSABLE, "a & b\x00", ("failure", "invalid-parameter", "a & b")),
    ],
)
def test_answers_are_in_the_warehouses_words(
    outcome: Outcome, reason: str, wanted: tuple[str, str, str | None]
) -> None:
    answer = QimenInbound(QIMEN).answer(outcome, reason, NOW)
    root: Element = fromstring(answer.body)
    assert (answer.status, answer.content_type, root.tag) == (200, "text/xml;charset=utf-8", "response")
    found = [root.find(name) for name in ("flag", "code", "message")]
    assert tuple(node.text if node is not None else "gone" for node in found) == wanted
