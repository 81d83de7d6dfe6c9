"""Accounts and a message for the tests of message senders; the vectors of their vendors' signatures."""

from dataclasses import replace

from domain.messages import Outgoing
from domain.shops import Role, Shop
from tests.connectors.worlds import OWN

WECOM = replace(
    OWN,
    vendor="wecom",
    code="duty",
    role=Role.MESSAGES,
    endpoint_url="http://wecom.example",
    key_id="duty group",
    secrets=("wecom-key-1",),
    params={},
)
DINGTALK = replace(
    WECOM,
    vendor="dingtalk",
    endpoint_url="http://ding.example/",
    secrets=("SEC5a3ecf88f2b3eb50db30ecfc00f53033ac909c99bf7f88fd612bda89d7f3a9dc",),
    sealed={"access_token": "token-1\n"},
)
FEISHU = replace(
    WECOM,
    vendor="feishu",
    endpoint_url="http://feishu.example",
    secrets=("demo_feishu_secret",),
    sealed={"token": "hook-1"},
)
SMS = replace(
    WECOM,
    vendor="aliyun_sms",
    endpoint_url="http://sms.example",
    key_id="testAccessKeyId",
    secrets=("testAccessKeySecret",),
    params={"sign_name": "阿里云", "template_code": "SMS_12345678"},
)
VOICE = replace(SMS, vendor="aliyun_voice", endpoint_url="http://voice.example", params={"template_code": "TTS_1"})
SMTP = replace(
    WECOM, vendor="smtp", endpoint_url="smtp://127.0.0.1:1", key_id="oms", params={"from": "oms@shop.example"}
)
ACCOUNTS: dict[str, Shop] = {shop.vendor: shop for shop in (WECOM, DINGTALK, FEISHU, SMS, VOICE, SMTP)}
MESSAGE = Outgoing("ref-1", "超时：C1", "售后单 C1 已超时", "warning", params={"subject": "C1"})
