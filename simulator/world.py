"""One world: the plan, the actors and the moment it starts. Owns their assembly, not what they do."""

import asyncio
from datetime import datetime
from time import monotonic

import httpx
from httpx_aiohttp import AiohttpTransport

from simulator.alipay import Alipay
from simulator.burst import BurstCount
from simulator.cases import Cases
from simulator.clock import now
from simulator.courier import CourierService
from simulator.douyin import DouyinPlatform
from simulator.douyin_shop import DouyinShop
from simulator.faults import Faults
from simulator.inwards import Inwards
from simulator.kinds import KINDS
from simulator.listings import Listings
from simulator.mailbox import Mailbox
from simulator.market import Surroundings
from simulator.messages import MessageServices
from simulator.messages_mail import MailServer
from simulator.nuonuo import Nuonuo
from simulator.orders import Act
from simulator.own_channel import Hints, OwnChannel
from simulator.picking import Picking
from simulator.plan import Plan
from simulator.platform import Opening, Platform
from simulator.presale import Supplier
from simulator.qimen_service import QimenService
from simulator.seeds import Lots
from simulator.sending import Sender
from simulator.settings import Config
from simulator.settings_shops import Douyin, Seller, Taobao
from simulator.shop import Shop, ShopOrder
from simulator.stripe import Stripe
from simulator.tally import Tally, Tasks
from simulator.taobao import TaobaoGateway, TaobaoShop
from simulator.till import Till, Tills
from simulator.warehouse import Warehouse
from simulator.wechatpay import WechatPay


class World:
    """Everything outside, wired together for one configuration and one plan."""

    def __init__(self, config: Config, plan: Plan, transport: httpx.AsyncBaseTransport | None = None) -> None:
        seed, profile, url = config.seed, config.profile, config.gateway_url.rstrip("/")
        self.config = config
        self.plan = plan
        self.started_at: datetime | None = None
        self.stopped_new = False
        self.tally = Tally()
        self.tasks = Tasks(self.tally)
        self.faults = Faults(profile, self.tally, seed)
        wire = transport or AiohttpTransport()
        self._client = httpx.AsyncClient(timeout=profile.send_timeout, transport=wire, trust_env=False)
        sender = Sender(self._client, self.tally, self.tasks, profile, seed)
        self.warehouse = Warehouse(plan.on_hand, plan.defective, seed, config.plant)
        self.courier = CourierService(config.courier, url, sender, self.tasks, self.tally, profile, seed)
        self.courier.arrived = self._arrived
        self._places = asyncio.Semaphore(config.orders.at_once) if config.orders.at_once else None
        self.picking = Picking(
            config.wms, url, self.warehouse, sender, self.tasks, profile, seed, hand_over=self.courier.take
        )
        limits = Lots(seed, "wms limit", profile.limit_share)
        self.inwards = Inwards(self.warehouse, self.picking, profile, seed)
        self.inwards.returns.courier = self.courier
        self.qimen = QimenService(config.wms, self.warehouse, self.inwards, self.tally, limits)
        self.shop = Shop(self.warehouse, profile)
        self.listings = self.shop.listings = self._listings()
        self.supplier = Supplier(plan.supplies, self.warehouse, self.tasks)
        self.own = OwnChannel(config.own, url, sender, self.shop.orders, Hints(seed, profile.hint_share))
        self.shop.channels["own", config.own.shop] = self.own
        self.burst = BurstCount(config.orders.burst) if config.orders.burst else None
        if self.burst:
            self.own.heard = self.burst.heard
        self.tills = self._payments(url, sender)
        self.messages = MessageServices(config.messages) if config.messages else None
        self.mail = MailServer(self.messages) if self.messages else None
        self.mailbox = _mailbox(config)
        self.nuonuo = Nuonuo(config.invoices) if config.invoices else None
        self.counts = {("own", config.own.shop): self.own.counts}
        self.cases = Cases(profile, seed, self.tasks)
        self.cases.has_left = self.shop.has_left
        self.shop.applies = self._apply
        self.own.cases = self.cases
        self.cases.shops["own", config.own.shop] = self.own
        around = Surroundings(self.shop.orders, profile, seed, self.tasks, self.listings, self.cases)
        self.listings.shelf(("own", config.own.shop))
        self.taobao = self._taobao(around)
        self.douyin = self._douyin(around, url, sender)
        self.platforms = self._platforms(around, url, sender)

    def _listings(self) -> Listings:
        """List everything that is sold: products, bundles, and what is still to come."""
        everywhere = [one.sku for one in (*self.plan.catalogue, *self.plan.bundles)]
        return Listings(everywhere, [one.sku for one in self.plan.supplies], self.config.profile.stock)

    def _payments(self, url: str, sender: Sender) -> list[Till]:
        """Let the own shop's buyers pay at providers, where the world has some; WeChat Pay has what others leave."""
        wanted, world = self.config, (self.config.profile, self.config.seed)
        self.alipay = Alipay(wanted.alipay, url, sender, self.tasks, world) if wanted.alipay else None
        self.stripe = Stripe(wanted.stripe, url, sender, self.tasks, world) if wanted.stripe else None
        self.pay = WechatPay(wanted.pay, url, sender, self.tasks, world) if wanted.pay else None
        found: list[tuple[Till, float]] = []
        found += [(self.alipay, self.alipay.settings.share)] if self.alipay else []
        found += [(self.stripe, self.stripe.settings.share)] if self.stripe else []
        found += [(self.pay, 1.0)] if self.pay else []
        for till, _ in found:
            till.paid_back = self.own.paid_back
        self.own.provider = Tills(self.config.seed, found) if found else None
        return [till for till, _ in found]

    def _taobao(self, around: Surroundings) -> TaobaoGateway:
        settings = [one for one in self.config.marketplaces if isinstance(one, Taobao)]
        shops = [TaobaoShop(one, around) for one in settings]
        for shop in shops:
            self.shop.channels[shop.name] = self.cases.shops[shop.name] = shop
            self.counts[shop.name] = shop.counts
        return TaobaoGateway(settings, shops, self.tally.faults)

    def _douyin(self, around: Surroundings, url: str, sender: Sender) -> DouyinPlatform:
        settings = [one for one in self.config.marketplaces if isinstance(one, Douyin)]
        shops = [DouyinShop(one, around, url, sender) for one in settings]
        for shop in shops:
            self.shop.channels[shop.name] = self.cases.shops[shop.name] = shop
            self.counts[shop.name] = shop.counts
        return DouyinPlatform(shops, self.tally.faults)

    def _platforms(self, around: Surroundings, url: str, sender: Sender) -> dict[str, Platform]:
        """Open every other platform on which somebody sells here."""
        found: dict[str, Platform] = {}
        for vendor, kind in KINDS.items():
            settings = [one for one in self.config.marketplaces if isinstance(one, Seller) and one.vendor == vendor]
            if settings:
                found[vendor] = kind.open(Opening(settings, around, url, sender, self.tally.faults))
        for shop in (shop for platform in found.values() for shop in platform.shops):
            self.shop.channels[shop.name] = self.cases.shops[shop.name] = shop
            self.counts[shop.name] = shop.counts
        return found

    def start(self) -> None:
        """Let the buyers begin; a second start does nothing."""
        if self.started_at is None:
            self.started_at = now()
            if self.burst:
                self.burst.start()
            self.faults.schedule()
            self.listings.schedule()
            self.supplier.start()
            self.tasks.spawn(self._arrivals(self.started_at))
            self.tasks.spawn(self.inwards.count())
            self.tasks.spawn(self.inwards.returns.stray_parcels())

    def stop_new(self) -> None:
        """Let no further buyer come; those who have come finish their lives."""
        self.stopped_new = True

    def finished(self) -> bool:
        """Tell whether every buyer has acted and was heard, and every accepted fulfilment is cancelled or signed."""
        return not self.unfinished()

    def unfinished(self) -> list[str]:
        """Name what is still to come."""
        orders = self.shop.orders.values()
        all_came = self.stopped_new or len(orders) == len(self.plan.orders)
        parts = {
            "start": self.started_at is not None,
            "buyers": all_came and all(order.acted for order in orders),
            "news": not any(order.unheard for order in orders),
            "warehouse": all(one.cancelled or one.status == "DELIVERED" for one in self.warehouse.fulfilments.values()),
            "parcels": all(parcel.signed_at for parcel in self.courier.parcels.values()),
            "returns": self.inwards.finished(),
            "cases": self.cases.over(),
        }
        return [name for name, over in parts.items() if not over]

    def signed(self) -> int:
        """Count the parcels that have arrived."""
        return sum(1 for parcel in self.courier.parcels.values() if parcel.signed_at)

    def _apply(self, order: ShopOrder, act: Act) -> None:
        """Let a buyer apply for after-sales."""
        if act.case:
            self.cases.apply(order, act.case, act.refund_minor)

    def _arrived(self) -> None:
        """Let the next buyer come, where only so many may be on their way."""
        if self._places is not None:
            self._places.release()

    async def stop(self) -> None:
        for server in (self.mail, self.mailbox):
            if server is not None:
                await server.stop()
        await self.tasks.stop()
        await self._client.aclose()

    async def _arrivals(self, started_at: datetime) -> None:
        began = monotonic()
        lost = len(self.plan.orders) // 2 if self.config.plant == "lost" else -1
        for n, planned in enumerate(self.plan.orders):
            await asyncio.sleep(max(0.0, began + planned.arrival - monotonic()))
            if self._places is not None:
                await self._places.acquire()
            if self.stopped_new:
                return
            order = self.shop.admit(planned)
            if n == lost:
                self.shop.book_as_accepted(order, started_at)
            else:
                self.tasks.spawn(self.shop.live(order, started_at))


def _mailbox(config: Config) -> Mailbox | None:
    """Make the mailbox that buyers write to, with the login of the mail server."""
    ours = config.messages
    if ours is None or ours.imap_port is None:
        return None
    return Mailbox(ours.smtp_login, ours.smtp_password.get_secret_value(), ours.imap_port)
