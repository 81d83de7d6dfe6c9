"""The demo's accounts for messages to people: one at each service, as the shipped settings name them (OPS-3)."""

from dataclasses import dataclass, field
from typing import Any

from clients.cli.shops import Endpoint, connect_shop
from clients.installation import draw_secret
from store.shops import Shops

NAMES = (
    "wecom_key",
    "dingtalk_token",
    "dingtalk_secret",
    "feishu_token",
    "feishu_secret",
    "aliyun_secret",
    "smtp_password",
)
KEY_ID, SIGN_NAME, LOGIN = "demo-access-key", "稳单演示", "demo"
MOBILE = "13800138000"


@dataclass(frozen=True, slots=True)
class MessageAccounts:
    """The secrets of every account, drawn for this demo."""

    secrets: dict[str, str] = field(default_factory=lambda: {name: draw_secret() for name in NAMES}, repr=False)

    def as_the_simulator_knows_them(self, mail_port: int) -> dict[str, Any]:
        """Write the accounts as the simulator's configuration has them."""
        names = {"aliyun_key_id": KEY_ID, "sign_name": SIGN_NAME, "smtp_login": LOGIN, "smtp_port": mail_port}
        return self.secrets | names

    async def connect(self, shops: Shops, url: str, mail_port: int) -> None:
        """Connect every account as `oms shop add` does."""
        has, group = self.secrets, "演示群"
        sealed = {"dingtalk": {"access_token": has["dingtalk_token"]}, "feishu": {"token": has["feishu_token"]}}
        robots = {"wecom": ("duty", "wecom_key"), "dingtalk": ("warehouse", "dingtalk_secret")}
        for vendor, (code, secret) in (robots | {"feishu": ("tech", "feishu_secret")}).items():
            endpoint = Endpoint(url, group, (has[secret],), sealed.get(vendor, {}))
            await connect_shop(shops, (vendor, code), endpoint)
        aliyun = Endpoint(url, KEY_ID, (has["aliyun_secret"],))
        sms = {"sign_name": SIGN_NAME, "template_code": "SMS_10000001", "mobiles": MOBILE}
        await connect_shop(shops, ("aliyun_sms", "sms"), aliyun, sms)
        await connect_shop(shops, ("aliyun_voice", "voice"), aliyun, {"template_code": "TTS_1", "mobiles": MOBILE})
        mail = {"from": "oms@demo.example", "to": "it@demo.example"}
        letters = Endpoint(f"smtp://127.0.0.1:{mail_port}", LOGIN, (has["smtp_password"],))
        await connect_shop(shops, ("smtp", "mail"), letters, mail)
