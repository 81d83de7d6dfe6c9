"""The sandbox that leaves payloads alone is one for a client whose payloads nobody transforms."""

from temporalio.converter import DataConverter

from clients.temporal import connect
from workers.sandbox import PlainPayloads
from workers.wiring import sandbox


def test_payloads_of_our_client_pass_no_codec_and_no_storage() -> None:
    """Who gives `connect` a codec or a storage also takes another sandbox: this one tells them nothing."""
    assert isinstance(sandbox(), PlainPayloads)
    assert "data_converter" not in connect.__code__.co_names
    assert DataConverter.default.payload_codec is None
    assert DataConverter.default.external_storage is None
