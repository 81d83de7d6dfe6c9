"""Who carries messages to people: the vendors of role `messages`, what each needs, and their classes (OPS-3)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx

from connectors.messages.aliyun_sms import AliyunSms
from connectors.messages.aliyun_voice import AliyunVoice
from connectors.messages.dingtalk import DingtalkRobot
from connectors.messages.feishu import FeishuRobot
from connectors.messages.smtp import SmtpMail
from connectors.messages.wecom import WecomRobot
from connectors.outbound import Clock, MessageSender
from domain.shops import Shop

_GROUP = "a name for the group, shown in lists"
_MOBILES = "numbers that are reached when a message names none, with commas"
_ALIYUN_SECRET = "AccessKey secret of a user that may do this alone"  # noqa: S105  (an explanation)


@dataclass(frozen=True, slots=True)
class Needs:
    """What a vendor needs of its row (registry.Vendor)."""

    endpoint_url: str
    key_id: str
    secret: str
    params: Mapping[str, str] = field(default_factory=dict)
    optional_params: Mapping[str, str] = field(default_factory=dict)
    sealed_params: Mapping[str, str] = field(default_factory=dict)


NEEDS: Mapping[str, Needs] = {
    "wecom": Needs("https://qyapi.weixin.qq.com", _GROUP, "the key of the robot's webhook address (key=...)"),
    "dingtalk": Needs(
        "https://oapi.dingtalk.com",
        _GROUP,
        "the signing secret of the robot (SEC...)",
        sealed_params={"access_token": "the access_token of the robot's webhook address, as access_token=@FILE"},
    ),
    "feishu": Needs(
        "https://open.feishu.cn, or https://open.larksuite.com",
        _GROUP,
        "the signing secret of the robot",
        sealed_params={"token": "the last part of the robot's webhook address, as token=@FILE"},
    ),
    "aliyun_sms": Needs(
        "https://dysmsapi.aliyuncs.com",
        "AccessKey ID",
        _ALIYUN_SECRET,
        params={
            "sign_name": "the approved signature (签名)",
            "template_code": "the approved template (SMS_...) for messages that name none; its one variable is subject",
        },
        optional_params={"mobiles": _MOBILES},
    ),
    "aliyun_voice": Needs(
        "https://dyvmsapi.aliyuncs.com",
        "AccessKey ID",
        _ALIYUN_SECRET,
        params={"template_code": "the approved template (TTS_...) for messages that name none; variable subject"},
        optional_params={"mobiles": _MOBILES, "show_number": "the number that is shown to who is called"},
    ),
    "smtp": Needs(
        "smtps://HOST:465, smtp+starttls://HOST:587 or smtp://HOST:25",
        "the login",
        "the password of the login",
        params={"from": "the sender's address"},
        optional_params={
            "to": "addresses that are written to when a message names none, with commas",
            "login": "no: the server takes letters without a login",
        },
    ),
}
SENDERS: Mapping[str, Callable[[Shop, httpx.AsyncClient, Clock], MessageSender]] = {
    "wecom": WecomRobot,
    "dingtalk": DingtalkRobot,
    "feishu": FeishuRobot,
    "aliyun_sms": AliyunSms,
    "aliyun_voice": AliyunVoice,
    "smtp": SmtpMail,
}
