"""A file of lives that cannot be read is refused, and the line is named (INT-1)."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from simulator.olist import read_lives
from simulator.settings import ConfigError


@contextmanager
def _written(folder: Path, **changed: str) -> Iterator[None]:
    files = {
        "orders": "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,"
        "order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date\n"
        "0123456789abcdef,c1,delivered,2018-01-01 10:00:00,,,,2018-02-01 00:00:00\n",
        "order_items": "order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value\n",
        "order_payments": "order_id,payment_sequential,payment_type,payment_installments,payment_value\n"
        "0123456789abcdef,1,boleto,1,10.00\n",
        "customers": "customer_id,customer_unique_id,customer_zip_code_prefix,customer_city,customer_state\n"
        "c1,u1,01001,sao paulo,SP\n",
    }
    for name, text in {**files, **changed}.items():
        (folder / f"olist_{name}_dataset.csv").write_text(text, encoding="utf-8")
    yield


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("orders", "delivered,2018", "lost,2018", "line 2: an unknown customer or status"),
        ("orders", "2018-01-01 10:00:00", "yesterday", "line 2: 'yesterday' is not a time"),
        ("order_payments", "10.00", "10.005", "not an amount in whole cents"),
        ("order_payments", "10.00", "ten", "'ten' is not an amount"),
        ("customers", "c1,u1,01001", "c1,u1", "line 2: not as many columns"),
    ],
)
def test_a_file_that_cannot_be_read_names_the_line(tmp_path: Path, name: str, old: str, new: str, words: str) -> None:
    with _written(tmp_path):
        path = tmp_path / f"olist_{name}_dataset.csv"
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
        with pytest.raises(ConfigError, match=words):
            read_lives(tmp_path, ("shopify", "sf"))
