"""An export file is read strictly: a broken one is refused whole, a bad row alone, and no cell is ever quoted (I-9)."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors import fields
from connectors.files.columns import TMALL, ColumnMap, read_map
from connectors.files.order_export import Export, read_export
from connectors.files.table import MAX_FILE_BYTES, read_table
from domain.errors import BadInput
from domain.observations import ChannelStatus

HEADER = "订单编号,总金额,买家实际支付金额,收货地址,订单创建时间,订单付款时间,退款金额"
GOOD = "T1,178.8,100.0,上海,2020-02-21 00:00:00,2020-02-21 00:00:07,78.8"
PERSON = "张三丰13800138000"
BASE: dict[str, Any] = {
    "columns": {"no": "no", "total": "total", "paid": "paid", "placed_at": "placed", "paid_at": "paid at"}
}


def read(*lines: str, encoding: str = "utf-8") -> Export:
    return read_export("\n".join((HEADER, *lines)).encode(encoding), TMALL)


def mapped(text: str, columns: dict[str, str] | None = None, **more: Any) -> Export:
    shape = BASE | more | {"columns": BASE["columns"] | (columns or {})}
    return read_export(text.encode(), read_map(json.dumps(shape).encode()))


def row(**cells: str) -> str:
    """A good row with other cells, in the order of the export."""
    names = ("no", "total", "net", "address", "placed", "paid_at", "refunded")
    return ",".join((dict(zip(names, GOOD.split(","), strict=True)) | cells).values())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_row_is_read_in_every_encoding_and_line_end(encoding: str, end: str) -> None:
    export = read_export(end.join((HEADER, GOOD, "")).encode(encoding), TMALL)
    (order,) = export.orders
    assert (export.rows, export.refused, export.repeated) == (1, (), 0)
    assert (order.line, order.no) == (2, "T1")
    # The paid column is net of refunds.
    assert (order.total_minor, order.paid_minor, order.refunded_minor) == (17880, 17880, 7880)
    # Beijing time.
    assert order.placed_at == datetime(2020, 2, 20, 16, 0, tzinfo=UTC)
    assert order.paid_at == datetime(2020, 2, 20, 16, 0, 7, tzinfo=UTC)
    assert (order.currency, order.contact.province, order.contact.city) == ("CNY", "上海", "上海市")


def test_an_empty_payment_time_means_never_paid() -> None:
    (order,) = read(row(net="0.0", paid_at="", refunded="0.0")).orders
    assert (order.paid_at, order.paid_minor) == (None, 0)


def test_quoted_cells_may_hold_delimiters_quotes_and_line_breaks_and_lines_are_counted_in_the_file() -> None:
    quoted = row(address='"广东省深圳市南山区""科技园"",\n9 号"')
    first, second = read(quoted, row(no="T2")).orders
    assert first.contact.address == '"科技园",\n9 号'
    assert (first.contact.province, first.contact.city, first.contact.district) == ("广东省", "深圳市", "南山区")
    assert (first.line, second.line) == (2, 4)


@pytest.mark.parametrize("no", ['"=""T1"""', "'T1", "`T1", "T1\t", " T1 "])
def test_a_number_that_a_spreadsheet_was_told_to_leave_alone_is_unwrapped(no: str) -> None:
    assert [order.no for order in read(row(no=no)).orders] == ["T1"]


def test_blank_lines_count_for_nothing() -> None:
    export = read_export(f"\n{HEADER}\n\n{GOOD}\n\n,,,,,,\n".encode(), TMALL)
    assert (export.rows, export.orders[0].line) == (1, 4)
    assert read_export(HEADER.encode(), TMALL).rows == 0


ROW_FAULTS = [
    ({"no": ""}, "订单编号", "is empty"),
    ({"no": PERSON}, "订单编号", "is not an order number"),
    ({"no": "广东省深圳市"}, "订单编号", "is not an order number"),
    ({"no": "T" * 65}, "订单编号", "is not an order number"),
    ({"no": "2.02611E+18"}, "订单编号", "was rounded by a spreadsheet"),
    ({"total": ""}, "总金额", "is empty"),
    ({"total": PERSON}, "总金额", "is not an amount in yuan"),
    ({"total": "1.005"}, "总金额", "is not an amount in yuan"),
    ({"total": "1e3"}, "总金额", "is not an amount in yuan"),
    ({"total": "nan"}, "总金额", "is not an amount in yuan"),
    ({"total": "999999999999"}, "总金额", "is more than"),
    ({"net": "-5"}, "买家实际支付金额", "is negative"),
    ({"refunded": "?"}, "退款金额", "is not an amount in yuan"),
    ({"placed": ""}, "订单创建时间", "is empty"),
    ({"placed": PERSON}, "订单创建时间", "is not a time written as %Y-%m-%d %H:%M:%S"),
    ({"placed": "2020-02-30 00:00:00"}, "订单创建时间", "is not a time"),
    ({"placed": "1970-01-01 00:00:00"}, "订单创建时间", "is not between the years"),
    ({"paid_at": "yesterday"}, "订单付款时间", "is not a time"),
]


@pytest.mark.parametrize(("cells", "column", "reason"), ROW_FAULTS)
def test_a_bad_row_is_refused_alone_by_line_and_column(cells: dict[str, str], column: str, reason: str) -> None:
    export = read(row(no="T0"), row(**cells), row(no="T2"))
    (refused,) = export.refused
    assert [order.no for order in export.orders] == ["T0", "T2"]
    assert (refused.line, refused.column, refused.no) == (3, column, "" if "no" in cells else "T1")
    assert reason in refused.reason
    assert not any(cell and cell in str(refused) for cell in (PERSON, "13800138000"))


def test_an_order_on_two_lines_is_taken_once_and_never_guessed() -> None:
    export = read(GOOD, GOOD, row(total="200.0"))
    assert (export.rows, len(export.orders), export.repeated) == (3, 1, 1)
    (refused,) = export.refused
    assert (refused.line, refused.no) == (4, "T1")
    assert "is on line 2 already" in refused.reason


def test_a_refused_row_does_not_stand_in_the_way_of_its_better_copy() -> None:
    export = read(row(total="?"), GOOD)
    assert (len(export.refused), len(export.orders)) == (1, 1)


def test_an_unknown_address_is_kept_as_written() -> None:
    (order,) = read(row(address="火星")).orders
    assert (order.contact.province, order.contact.address) == ("", "火星")


BROKEN = [
    (b"", "the file is empty"),
    (b"\n\n", "the file is empty"),
    (b"x" * (MAX_FILE_BYTES + 1), "has more than 8 MB"),
    ("﻿".encode("utf-16"), "UTF-16"),
    (f"{HEADER}\n{GOOD}".encode("utf-16"), "UTF-16"),
    (b"PK\x03\x04rest", "no workbook (XLSX) or damaged"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1", "an old workbook (XLS) or has a password"),
    (f"{HEADER}\n{GOOD}\n".encode() + b"T2,\xff\xfe,1,\n", "line 3: not UTF-8"),
    (f"{HEADER}\n{GOOD}\n".encode("utf-8-sig") + b"T2,\xb9\xe3\xb6\xab", "line 3: not UTF-8"),
    (f"{HEADER}\n".encode("gb18030") + b"T2,\xff,1,\n", "line 2: not GB18030"),
    (b"no,total\n1,\xff\n", "line 2: neither UTF-8 nor GB18030"),
    (f"{HEADER}\n{GOOD}\x00".encode(), "line 2: a control character"),
    (f"{HEADER}\n{GOOD},9".encode(), "line 2: 8 cells, the header has 7: a cell has shifted"),
    (f"{HEADER}\n{GOOD}\nT2,1.0".encode(), "line 3: 2 cells, the header has 7"),
    (f'{HEADER}\n"T1,178.8,100.0,上海\n{GOOD}'.encode(), "line 2: not CSV"),
    (f'{HEADER}\n"T1"x,178.8,100.0,上海,a,b,c'.encode(), "line 2: not CSV"),
    (f"{HEADER}\n{row(address='x' * 20_001)}".encode(), "line 2: a cell is longer"),
    (f"{HEADER},总金额\n".encode(), "line 1: column 总金额 is there twice"),
    (HEADER.replace("总金额,", "").encode() + b"\n", "line 1: column 总金额 is missing"),
    (HEADER.replace(",", ";").encode() + b"\n", "Is the delimiter a comma?"),
    (GOOD.encode(), "line 1: column 订单编号, 总金额"),
]


@pytest.mark.parametrize(("raw", "told"), BROKEN, ids=[told for _, told in BROKEN])
def test_a_broken_file_is_refused_whole_in_one_line(raw: bytes, told: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_export(raw, TMALL)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "上海" not in str(caught.value)


def test_a_map_names_the_columns_of_any_file() -> None:
    text = (
        "no;total;paid;back;placed;paid at;state;sku;n;what;where;who;tel;cur;buyer;note\n"
        "A/1;12000;12000;500;22.11.2026 08:30;22.11.2026 08:31;done;TEE;3;Tee;广东省,深圳市;李;139;USD;b7;hi\n"
    )
    columns = {
        "refunded": "back", "status": "state", "sku": "sku", "quantity": "n", "title": "what", "address": "where",
        "name": "who", "phone": "tel", "currency": "cur", "buyer_id": "buyer", "remark": "note",
    }  # fmt: skip
    more = {"unit": "fen", "zone": "Europe/Berlin", "time_format": "%d.%m.%Y %H:%M", "delimiter": ";"}
    (order,) = mapped(text, columns, **more, statuses={"done": "completed"}).orders
    assert (order.no, order.total_minor, order.paid_minor, order.refunded_minor) == ("A/1", 12000, 12000, 500)
    assert order.placed_at == datetime(2026, 11, 22, 7, 30, tzinfo=UTC)
    assert (order.sku, order.quantity, order.title, order.currency) == ("TEE", 3, "Tee", "USD")
    assert (order.status, order.raw_status) == (ChannelStatus.COMPLETED, "done")
    assert (order.contact.province, order.contact.city) == ("广东省", "深圳市")
    assert (order.contact.name, order.contact.phone, order.buyer_id, order.remark) == ("李", "139", "b7", "hi")


def test_an_offset_in_the_file_counts_before_the_zone_of_the_map() -> None:
    text = "no,total,paid,placed,paid at\nA1,1.00,0,2026-11-22T08:30:00+0100,\n"
    (order,) = mapped(text, time_format="%Y-%m-%dT%H:%M:%S%z").orders
    assert order.placed_at == datetime(2026, 11, 22, 7, 30, tzinfo=UTC)


def test_parts_of_an_address_in_columns_of_their_own_are_not_split() -> None:
    text = "no,total,paid,placed,paid at,p,c,d,s\nA1,1.00,0,2026-11-22 08:30:00,,广东省,深圳市,南山区,上海路 1 号\n"
    (order,) = mapped(text, {"province": "p", "city": "c", "district": "d", "address": "s"}).orders
    who = order.contact
    assert (who.province, who.city, who.district, who.address) == ("广东省", "深圳市", "南山区", "上海路 1 号")


OPTIONAL_FAULTS = [
    ({"quantity": "x"}, "0", "is not a whole number from 1"),
    ({"quantity": "x"}, "10000", "is not a whole number from 1"),
    ({"quantity": "x"}, "1.5", "is not a whole number from 1"),
    ({"currency": "x"}, "yuan", "is no currency"),
    ({"sku": "x"}, "红 色", "is no SKU"),
    ({"status": "x"}, "lost", "is a word that the column map's statuses do not name"),
    ({"status": "x"}, "", "is empty"),
]


@pytest.mark.parametrize(("columns", "cell", "reason"), OPTIONAL_FAULTS)
def test_a_bad_cell_of_an_optional_column_refuses_its_row(columns: dict[str, str], cell: str, reason: str) -> None:
    more = {"statuses": {"done": "completed"}} if "status" in columns else {}
    text = f"no,total,paid,placed,paid at,x\nA1,1.00,0,2026-11-22 08:30:00,,{cell}\n"
    (refused,) = mapped(text, columns, **more).refused
    assert (refused.column, reason in refused.reason) == ("x", True)


BAD_MAPS: list[tuple[bytes | dict[str, Any], str]] = [
    (b"", "the body is not JSON"),
    (b"[]", "is not an object"),
    ({"columns": {}}, "columns.no is missing"),
    (BASE | {"columns": BASE["columns"] | {"paid": ""}}, "columns needs paid (before refunds) or paid_net"),
    (BASE | {"columns": BASE["columns"] | {"paid_net": "net"}}, "not both"),
    (BASE | {"columns": BASE["columns"] | {"paid": "", "paid_net": "net"}}, "needs refunded beside paid_net"),
    (BASE | {"columns": BASE["columns"] | {"colour": "c"}}, "columns.colour"),
    (BASE | {"columns": BASE["columns"] | {"total": 7}}, "columns.total is not a text"),
    (BASE | {"unit": "jiao"}, "unit is none of 'yuan' or 'fen'"),
    (BASE | {"currency": "yuan"}, "currency"),
    (BASE | {"zone": "Beijing"}, "zone is no time zone"),
    (BASE | {"zone": "../etc"}, "zone is no time zone"),
    (BASE | {"time_format": "%Y-%m-%d"}, "time_format cannot say a date and a time"),
    (BASE | {"time_format": "%I:%M %d.%m.%Y"}, "time_format cannot say"),
    (BASE | {"time_format": "yyyy-MM-dd"}, "time_format cannot say"),
    (BASE | {"time_format": "%"}, "time_format cannot say"),
    (BASE | {"delimiter": "|"}, "delimiter is none of"),
    (BASE | {"statuses": {"done": "completed"}}, "columns.status and statuses belong together"),
    (BASE | {"columns": BASE["columns"] | {"status": "s"}}, "columns.status and statuses belong together"),
    (BASE | {"columns": BASE["columns"] | {"status": "s"}, "statuses": {"x": "lost"}}, "statuses.x is none of"),
]


@pytest.mark.parametrize(("shape", "told"), BAD_MAPS)
def test_a_column_map_that_cannot_be_used_says_what_to_write(shape: bytes | dict[str, Any], told: str) -> None:
    raw = shape if isinstance(shape, bytes) else json.dumps(shape).encode()
    with pytest.raises(BadInput) as caught:
        read_map(raw)
    assert "the column map cannot be used" in str(caught.value)
    assert told in str(caught.value)


def test_the_tmall_export_is_a_map_like_any_other() -> None:
    assert read_map(TMALL.model_dump_json().encode()) == TMALL == ColumnMap.model_validate(TMALL.model_dump())


def test_the_map_in_the_documents_can_be_used() -> None:
    text = (Path(__file__).parents[2] / "docs" / "importing.md").read_text()
    shape = read_map(text.partition("```json")[2].partition("```")[0].encode())
    assert shape.meaning("交易成功") is ChannelStatus.COMPLETED


def test_a_column_that_is_missing_is_named_in_the_files_words() -> None:
    with pytest.raises(BadInput, match=r"column paid at is missing; the file has 4 columns"):
        mapped("no,total,paid,placed\n")


def test_a_table_may_have_columns_that_nobody_reads() -> None:
    table = read_table(b"a,b,\n1,2,3\n")
    assert (table.header, table.rows[0].cells) == (("a", "b", ""), ("1", "2", "3"))


def test_an_amount_is_limited_like_everywhere() -> None:
    text = f"no,total,paid,placed,paid at\nA1,{fields.MAX_AMOUNT_MINOR + 1},0,2026-11-22 08:30:00,\n"
    (refused,) = mapped(text, unit="fen").refused
    assert "not an amount in whole fen" in refused.reason
