"""Where ports meet parts. Owns which class stands behind each port, and what a worker process is made of."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import PollerBehaviorSimpleMaximum, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.approvals import ApprovalActivities
from activities.bulkhead import Bulkheads, Limits
from activities.cases import CaseActivities
from activities.channel_cases import CaseAnswers
from activities.channels import STOCK_SHARE, CarefulChannel, Paces, RenewableChannel, TokenKeeper
from activities.completeness import LedgerActivities
from activities.counts import CountActivities
from activities.drain import DrainActivities
from activities.exceptions import ExceptionActivities
from activities.fulfillment import FulfillmentActivities
from activities.guarded import (
    GuardedChannel,
    GuardedClerk,
    GuardedCourier,
    GuardedMailbox,
    GuardedPayments,
    GuardedReturns,
    GuardedSender,
    GuardedWarehouse,
)
from activities.labels import ReadingActivities
from activities.mail import MailReading
from activities.messages import MessageSending
from activities.orders import OrderActivities
from activities.ports import Courier, PaymentProvider, SalesChannel, Warehouse
from activities.ports_mail import Mailbox
from activities.ports_messages import MessageSender
from activities.ports_returns import ReturnsDesk
from activities.pulls import PullActivities
from activities.red_letters import InvoiceClerk, RedLetterDrafting
from activities.returns import ReturnCalls
from activities.rolls import CarefulRoll
from activities.stock_audit import AuditActivities
from activities.stock_push import StockPushActivities
from clients.clock import utc_now
from clients.temporal import ORDERS_QUEUE, SHOPS_QUEUE
from clients.temporal_audit import OrderEngine
from connectors import registry
from connectors.outbound import MessageQueue
from domain.errors import Broken
from domain.invoices import RED_LETTER
from domain.mail import LETTERS
from domain.messages import MESSAGE
from domain.shops import Shop
from domain.timing import Timing
from store.approval_effects import SqlApprovals
from store.case_channel import KIND as CASE_ANSWERS
from store.case_decide import SqlCaseDecisions
from store.case_photos import SqlCasePhotos
from store.case_steps import SqlCaseFacts
from store.completeness import SqlLedger
from store.counts import SqlCounts
from store.database import Database
from store.due_queues import DueQueues
from store.fulfillments import SqlFulfillments
from store.keyring import KeyRing
from store.mailboxes import SqlMailboxes
from store.message_sending import SqlMessages
from store.order_facts import SqlOrderFacts
from store.order_marks import SqlOrderMarks
from store.outgoing import SqlOutgoing
from store.process_ladder import EXCEPTIONS, TICKETS, SqlLadder
from store.pulls import SqlPulls
from store.red_letters import SqlRedLetters
from store.reread import SqlReread
from store.return_polls import SqlAwaitedReturns
from store.shipping_facts import SqlShippingFacts
from store.shops import Shops
from store.stock_audit import SqlStockAudit
from store.stock_push import SqlStockPushes
from store.tokens import SqlTokens
from store.tracking import SqlTracking
from workers import shop_book
from workers.sandbox import PlainPayloads
from workers.settings import WorkerSettings
from workers.shop_book import ShopBook, ShopRows
from workflows.after_sales import AfterSalesWorkflow
from workflows.approval import ApprovalWorkflow
from workflows.completeness import CompletenessWorkflow, ReconcileWorkflow
from workflows.count import CountWorkflow
from workflows.exceptions import ExceptionWorkflow, TicketWorkflow
from workflows.labels import LabelWorkflow
from workflows.orders import OrderWorkflow
from workflows.shop_drain import ShopDrainWorkflow
from workflows.shop_pull import ShopPullWorkflow
from workflows.stock_audit import AuditWorkflow

OWN_ROOMS = ("domain", "activities", "workflows")
POLLERS = PollerBehaviorSimpleMaximum(5)
ACTIVITY_SLOTS = 200
"""Well above what one account's bulkhead lets pass, so that accounts that hang leave places to those that answer."""
CONNECTIONS = 2 * ACTIVITY_SLOTS
"""Open connections to strangers, of both workers: whoever may call also finds one."""


class ShopVendors:
    """Builds connectors from shop rows, each behind its account's bulkhead. Implements activities/ports.py: Vendors."""

    def __init__(
        self,
        shops: ShopRows,
        http: httpx.AsyncClient,
        bulkheads: Bulkheads,
        keeper: TokenKeeper,
        known_seconds: float = 0.0,
    ) -> None:
        self._shops = ShopBook(shops, known_seconds)
        self._http = http
        self._bulkheads = bulkheads
        self._keeper = keeper
        self._paces = Paces()

    async def warehouse(self, vendor: str, code: str) -> Warehouse:
        """Give the warehouse system of an account."""
        warehouse = registry.warehouse(await self._shop(vendor, code), self._http, utc_now)
        return GuardedWarehouse(warehouse, self._bulkheads.of(vendor, code))

    async def returns_desk(self, vendor: str, code: str) -> ReturnsDesk:
        """Give the returns desk of a warehouse account."""
        desk = registry.returns_desk(await self._shop(vendor, code), self._http, utc_now)
        return GuardedReturns(desk, self._bulkheads.of(vendor, code))

    async def courier(self, vendor: str, code: str) -> Courier:
        """Give the courier of an account."""
        courier = registry.courier(await self._shop(vendor, code), self._http, utc_now)
        return GuardedCourier(courier, self._bulkheads.of(vendor, code))

    async def payment_provider(self, vendor: str, code: str) -> PaymentProvider:
        """Give the payment provider of an account."""
        provider = registry.payment_provider(await self._shop(vendor, code), self._http, utc_now)
        return GuardedPayments(provider, self._bulkheads.of(vendor, code))

    async def messenger(self, vendor: str, code: str) -> MessageSender:
        """Give the sender of an account for messages."""
        sender = registry.message_sender(await self._shop(vendor, code), self._http, utc_now)
        return GuardedSender(sender, self._bulkheads.of(vendor, code))

    async def mailbox(self, vendor: str, code: str) -> Mailbox:
        """Give the reader of a mail account."""
        mailbox = registry.mailbox(await self._shop(vendor, code), self._http, utc_now)
        return GuardedMailbox(mailbox, self._bulkheads.of(vendor, code))

    async def clerk(self, vendor: str, code: str) -> InvoiceClerk:
        """Give the clerk of an account for invoices."""
        clerk = registry.invoice_clerk(await self._shop(vendor, code), self._http, utc_now)
        return GuardedClerk(clerk, self._bulkheads.of(vendor, code))

    async def channel(self, vendor: str, code: str) -> SalesChannel:
        """Give the sales channel of a shop."""

        def build(shop: Shop) -> RenewableChannel:
            return registry.sales_channel(shop, self._http, utc_now)

        shop = await self._fresh(vendor, code, build)
        per_second = registry.pace(shop)
        pace = partial(self._paces.take, vendor, code, per_second)
        stock_pace = partial(self._paces.take, vendor, f"{code} stock", per_second * STOCK_SHARE)
        careful = CarefulChannel(shop, build(shop), pace, self._keeper, stock_pace)
        lanes = (self._bulkheads.of(vendor, name) for name in (code, f"{code} lists", f"{code} stock"))
        return GuardedChannel(careful, *lanes)

    async def order_roll(self, vendor: str, code: str) -> CarefulRoll:
        """Give the channel of a shop that says which orders it has."""

        def build(shop: Shop) -> RenewableChannel:
            return registry.sales_channel(shop, self._http, utc_now)

        shop = await self._fresh(vendor, code, build)
        pace = partial(self._paces.take, vendor, code, registry.pace(shop))
        channel = registry.order_roll(shop, self._http, utc_now)
        return CarefulRoll(shop, channel, pace, self._keeper, self._bulkheads.of(vendor, f"{code} lists"))

    async def _fresh(self, vendor: str, code: str, build: Callable[[Shop], RenewableChannel]) -> Shop:
        known = await self._shop(vendor, code)
        shop = await self._keeper.fresh(known, build)
        if shop is not known:
            self._shops.renewed(shop)
        return shop

    async def _shop(self, vendor: str, code: str) -> Shop:
        shop = await self._shops.find(vendor, code)
        if shop is None:
            raise Broken(f"no active shop {vendor}/{code}; add it with oms shop add")
        return shop


@dataclass(frozen=True, slots=True)
class Parts:
    """What every piece of a worker process shares."""

    client: Client
    database: Database
    ring: KeyRing
    http: httpx.AsyncClient
    timing: Timing
    settings: WorkerSettings
    bulkheads: Bulkheads


def bulkheads(timing: Timing) -> Bulkheads:
    """Build the bulkheads of the process, shared by its workers."""
    return Bulkheads(utc_now, Limits(timing.loop.breaker_retry_seconds))


def vendors(parts: Parts) -> ShopVendors:
    """Build the connectors' source."""
    keeper = TokenKeeper(SqlTokens(parts.database, parts.ring), utc_now)
    return ShopVendors(Shops(parts.database, parts.ring), parts.http, parts.bulkheads, keeper, shop_book.SECONDS)


def message_queues(parts: Parts) -> Callable[[Shop], Awaitable[MessageQueue]]:
    """Say how the queue of a shop is opened."""

    async def opened(shop: Shop) -> MessageQueue:
        return registry.message_queue(shop, parts.http, utc_now)

    return opened


def orders_worker(parts: Parts) -> Worker:
    """Build the worker of the orders queue: the workflows, their facts and their calls."""
    facts = OrderActivities(
        SqlOrderFacts(parts.database, parts.ring, parts.settings.profile),
        SqlOrderMarks(parts.database),
        SqlShippingFacts(parts.database),
    )
    cases = CaseActivities(
        SqlCaseFacts(parts.database, parts.ring, parts.settings.profile), SqlCaseDecisions(parts.database)
    )
    ladders = ExceptionActivities(
        SqlLadder(parts.database, EXCEPTIONS, parts.settings.profile),
        SqlLadder(parts.database, TICKETS, parts.settings.profile),
    )
    readings = ReadingActivities(SqlCasePhotos(parts.database, parts.ring))
    calls = FulfillmentActivities(SqlFulfillments(parts.database, parts.ring), vendors(parts))
    return Worker(
        parts.client,
        task_queue=ORDERS_QUEUE,
        workflows=[OrderWorkflow, AfterSalesWorkflow, LabelWorkflow, ExceptionWorkflow, TicketWorkflow],
        activities=[
            *steps_of(facts),
            *steps_of(calls),
            *steps_of(cases),
            *steps_of(readings),
            *steps_of(ladders),
        ],
        workflow_runner=sandbox(),
        **memory(parts.settings.workflow_cache),
        max_concurrent_activities=ACTIVITY_SLOTS,
        workflow_task_poller_behavior=POLLERS,
        activity_task_poller_behavior=POLLERS,
    )


def memory(workflows: int) -> dict[str, Any]:
    """Give the options of a worker that keeps so many workflows in memory; with 0 each task replays all history.

    Without a cache it does one workflow task at a time: a second task evicts the first, whose local steps are cancelled
    and whose task is then idle until its time-out of 10 s.
    """
    return {"max_cached_workflows": workflows} | ({} if workflows else {"max_concurrent_workflow_tasks": 1})


def steps_of(activities: object) -> list[Callable[..., Any]]:
    """List every activity of a class, so that none is forgotten in a worker."""
    found = [getattr(activities, name) for name in dir(type(activities)) if not name.startswith("_")]
    return [step for step in found if hasattr(step, "__temporal_activity_definition")]


def shops_worker(parts: Parts) -> Worker:
    """Build the worker of the shops queue: pulls, drains, counts, approvals; apart, so that none starves the orders."""
    loop = parts.timing.loop
    tracking = SqlTracking(parts.database, parts.ring, loop.courier_query_seconds, loop.warehouse_query_seconds)
    outgoing, rereads = SqlOutgoing(parts.database, parts.ring), SqlReread(parts.database, parts.ring)
    strangers = vendors(parts)
    drains = DrainActivities(outgoing, tracking, rereads, strangers, utc_now)
    drains.glancing(DueQueues(parts.database, utc_now))
    messages = SqlMessages(parts.database, parts.ring, parts.settings.profile)
    letters = RedLetterDrafting(outgoing, SqlRedLetters(parts.database), strangers, utc_now)
    drains.also(RED_LETTER, letters.draft)
    drains.also(MESSAGE, MessageSending(outgoing, messages, strangers, utc_now).send)
    awaited = SqlAwaitedReturns(parts.database, parts.ring, loop.warehouse_query_seconds)
    returns = ReturnCalls(outgoing, awaited, strangers, utc_now)
    drains.also("return", returns.tell)
    drains.also("return_query", returns.ask, returns.due)
    mail = MailReading(SqlMailboxes(parts.database, parts.ring, loop.mail_query_seconds), strangers, utc_now)
    drains.also(LETTERS, mail.read, mail.due)
    drains.also(CASE_ANSWERS, CaseAnswers(outgoing, strangers, utc_now).answer)
    pulls = PullActivities(SqlPulls(parts.database, parts.ring), strangers, utc_now)
    stock = StockPushActivities(SqlStockPushes(parts.database), strangers, registry.push_rules, utc_now)
    counts = CountActivities(SqlCounts(parts.database, parts.settings.profile), strangers, utc_now)
    approvals = ApprovalActivities(SqlApprovals(parts.database))
    ledger = LedgerActivities(SqlLedger(parts.database, parts.ring), strangers, utc_now)
    audits = AuditActivities(SqlStockAudit(parts.database), OrderEngine(parts.client))
    return Worker(
        parts.client,
        task_queue=SHOPS_QUEUE,
        workflows=[
            *(ShopDrainWorkflow, ShopPullWorkflow, CountWorkflow, ApprovalWorkflow, AuditWorkflow),
            *(CompletenessWorkflow, ReconcileWorkflow),
        ],
        activities=[
            step for one in (drains, pulls, stock, counts, approvals, audits, ledger) for step in steps_of(one)
        ],
        workflow_runner=sandbox(),
        **memory(parts.settings.workflow_cache),
        max_concurrent_activities=ACTIVITY_SLOTS,
    )


def sandbox() -> SandboxedWorkflowRunner:
    """Keep the sandbox on, pass our pure rooms through, and raise when a workflow imports anything else late."""
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*OWN_ROOMS)
    policy = workflow.SandboxImportNotificationPolicy.RAISE_ON_UNINTENTIONAL_PASSTHROUGH
    return PlainPayloads(restrictions=restrictions.with_import_notification_policy(policy))
