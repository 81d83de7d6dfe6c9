"""The marketplaces' shops in the simulator's configuration: who they are and what they do not do."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

Share = Annotated[float, Field(ge=0, le=1)]
SellerVendor = Literal["jd", "pdd", "xhs", "wechatshop", "kuaishou", "shopify", "amazon", "shopee"]


class Model(BaseModel):
    # A knob with a typing error must not silently keep its default.
    model_config = ConfigDict(extra="forbid", frozen=True)


class Taobao(Model):
    """A Taobao or Tmall shop: pulled, and heard of by messages. `session` is the access token, `shop_id` its number."""

    vendor: Literal["taobao"]
    shop: str = Field(min_length=1)
    app_key: str = Field(min_length=1)
    secret: SecretStr = Field(min_length=1)
    session: SecretStr = Field(min_length=1)
    refresh_token: SecretStr = Field(min_length=1)
    shop_id: str = Field(default="1111111", pattern=r"^[1-9][0-9]{0,17}$")
    share: Share = 0.0
    push_dead: bool = False
    pull_dead: bool = False

    @property
    def access(self) -> SecretStr:
        return self.session


class Douyin(Model):
    """A Douyin shop: it pushes hints and is pulled."""

    vendor: Literal["douyin"]
    shop: str = Field(min_length=1)
    app_key: str = Field(min_length=1)
    secret: SecretStr = Field(min_length=1)
    access_token: SecretStr = Field(min_length=1)
    refresh_token: SecretStr = Field(min_length=1)
    shop_id: str = Field(pattern=r"^[1-9][0-9]{0,17}$")
    share: Share = 0.0
    push_dead: bool = False
    pull_dead: bool = False

    @property
    def access(self) -> SecretStr:
        return self.access_token


class Seller(Model):
    """A shop on any other platform (simulator/platforms); `more` is what only that platform knows."""

    vendor: SellerVendor
    shop: str = Field(min_length=1)
    app_key: str = Field(min_length=1)
    secret: SecretStr = Field(min_length=1)
    access_token: SecretStr = Field(min_length=1)
    refresh_token: SecretStr = Field(min_length=1)
    shop_id: str = Field(pattern=r"^[1-9][0-9]{0,17}$")
    share: Share = 0.0
    push_dead: bool = False
    pull_dead: bool = False
    more: dict[str, SecretStr] = Field(default_factory=dict)

    @property
    def access(self) -> SecretStr:
        return self.access_token


Marketplace = Annotated[Taobao | Douyin | Seller, Field(discriminator="vendor")]
