"""The domain's words in Chinese, for every page. Tables only; a word that is missing is shown as it is.

Short names stand here; sentences by topic in *_words.py, what happened in story_words.py.

Another language is another module of the same names.
"""

import re

from clients.console import (
    alert_words,
    case_words,
    completeness_words,
    count_words,
    inbox_words,
    limit_words,
    message_words,
    order_words,
    return_words,
    service_words,
    setting_words,
    stock_words,
)
from clients.console.story_words import ACTIONS
from domain.permissions import UserRole
from domain.waits import WaitFor

ROLES: dict[UserRole, str] = {
    UserRole.ADMIN: "管理员",
    UserRole.AGENT: "客服",
    UserRole.WAREHOUSE: "仓库",
    UserRole.FINANCE: "财务",
}
STATUSES = {
    "unpaid": "待支付",
    "paid": "待发货",
    "shipped": "已发货",
    "signed": "已签收",
    "completed": "已完成",
    "closed": "已关闭",
}
PAYMENTS = {"unpaid": "未付款", "deposit": "已付定金", "paid": "已付款", "refunded": "已退款"}
FULFILLMENTS = {
    "new": "待推送",
    "created": "待推送",
    "sent": "推送中",
    "pushed": "仓库已接单",
    "shipped": "已出库",
    "cancelled": "已撤回",
    "skipped": "人工处理",
}
PARCELS = {
    "no_trace": "暂无轨迹",
    "collected": "已揽收",
    "in_transit": "运输中",
    "out_for_delivery": "派送中",
    "at_station": "待取件",
    "signed": "已签收",
    "problem": "异常",
    "returned": "已退回",
    "forwarded": "已转寄",
    "customs": "清关中",
}
HOLDS = {"reserved": "预占", "allocated": "已分配"}
HOLD_STATES = {
    "presale": "预售占用",
    "open": "占用中",
    "allocated": "已转分配",
    "consumed": "已出库",
    "released": "已释放",
}
CALLS = {
    "writeback": "回传发货",
    "promise": "告知延期",
    "subscribe": "订阅轨迹",
    "track": "查询轨迹",
    "inquire": "查询出库",
    "reread": "重读订单",
    "stock": "推送库存",
    "entry": "入库预报",
    "return": "退货预报",
    "case": "售后答复",
    "refund": "退款",
    "payment": "查询支付",
    "message": "发送消息",
    "red_letter": "红字发票草稿",
}
CALL_STATES = {"new": "等待发送", "done": "已完成", "refused": "被拒绝"}
STAGES = {
    "ACCEPT": "仓库接单", "PARTFULFILLED": "部分发货", "PRINT": "打印面单", "PICK": "拣货", "CHECK": "复核",
    "PACKAGE": "打包", "WEIGH": "称重", "READY": "待提货", "DELIVERED": "已出库", "FULFILLED": "发货完成",
    "EXCEPTION": "仓内异常", "CLOSED": "已关闭", "CANCELED": "已取消", "REJECT": "拒单",
}  # fmt: skip
CARRIERS = {
    "SF": "顺丰", "YTO": "圆通", "ZTO": "中通", "STO": "申通", "YUNDA": "韵达", "JD": "京东", "EMS": "EMS",
    "EYB": "经济快递", "POSTB": "邮政", "HTKY": "极兔",
}  # fmt: skip
MESSAGE_STATES = {
    "accepted": "已接收",
    "unparsable": "读不懂",
    "superseded": "已被取代",
    "unverified": "未验证",
    "replayed": "已重放",
    "failed": "未入账",
    "unmapped": "状态码不认识",
    "new": "待入账",
    "applied": "已入账",
    "stale": "旧消息",
    "late": "关单后",
    "contradiction": "前后矛盾",
}
WAYS = {"push": "推送", "pull": "拉取", "file": "导入", "replay": "重放", "reread": "重读", "track": "查询"}
LEVELS = {"1-critical": ("紧急", "bad"), "2-warning": ("注意", "warn"), "3-note": ("提示", "calm")}
CHOICES = {
    "cancel": "取消订单",
    "hold": "暂停",
    "release": "放行",
    "retry": "重试",
    "skip": "跳过这一步",
    "restart": "重启流程",
}
CLOSE_REASONS = {
    "unpaid": "超时未付款",
    "balance unpaid": "超时未付尾款",
    "cancelled": "买家取消",
    "refunded": "已退款",
}

WAITS: dict[WaitFor, tuple[str, str, str]] = {
    WaitFor.START: ("流程启动", "会自动开始", "工作进程可能没有运行，请看运行状态"),
    WaitFor.PAYMENT: ("买家付款", "付款后分配仓库", "到时释放库存"),
    WaitFor.LATE_PAYMENT: ("迟到的付款（库存已释放）", "有货就照常发货", "到时关闭订单"),
    WaitFor.STOCK: ("缺货商品补货", "到货后按付款先后自动分配", "由人工决定"),
    WaitFor.BREAKER: ("停售商品恢复销售", "恢复后按付款先后自动分配", "由人工决定"),
    WaitFor.WAREHOUSE: ("仓库系统接单", "仓库拣货", "已过发货时限"),
    WaitFor.SHIPMENT: ("仓库发货", "快递配送", "已过发货时限"),
    WaitFor.SIGNATURE: ("快递送达签收", "签收后结算", "请问快递包裹在哪里"),
    WaitFor.SETTLEMENT: ("签收后的结算期", "订单完成", "自动完成"),
    WaitFor.RECALL: ("仓库撤回", "订单关闭", "若已发出，请走售后"),
    WaitFor.BALANCE: ("买家付尾款（已付定金，货已锁定）", "付清后安排发货", "到时关闭订单"),
    WaitFor.PRESALE: ("预售商品到货（已付款，货已锁定）", "到货后自动分配仓库", "已过承诺的发货时间"),
    WaitFor.CHANNEL: ("渠道允许发货", "渠道放行后分配仓库", "请在渠道后台查看原因"),
    WaitFor.OPERATOR: ("人工决定", "由您的决定而定", "由人工决定"),
    WaitFor.NOTHING: ("", "", ""),
}
"""What it waits for, what comes next, what it means when the time is over."""

FOR_BUYER: dict[WaitFor, str] = {
    WaitFor.START: "您好，您的订单已收到，正在处理，稍后会有新的进展。",
    WaitFor.PAYMENT: "您好，订单还没有付款。付款后我们会马上安排发货。",
    WaitFor.LATE_PAYMENT: "您好，订单已超过付款时间。现在付款，有货我们仍会发出；若没有货会为您退款。",
    WaitFor.STOCK: "您好，您买的商品暂时缺货，我们正在补货，有消息会第一时间告诉您。您也可以申请取消。",
    WaitFor.BREAKER: "您好，您买的商品暂停发货，正在核对库存，有消息会第一时间告诉您。您也可以申请取消。",
    WaitFor.WAREHOUSE: "您好，您的订单已安排仓库，正在等仓库接单，{promise}。",
    WaitFor.SHIPMENT: "您好，仓库正在为您备货，{promise}，发出后会有快递单号。",
    WaitFor.SIGNATURE: "您好，包裹已发出，{parcels}，请留意快递电话。",
    WaitFor.SETTLEMENT: "您好，包裹已签收，感谢您的购买。如有问题请随时联系我们。",
    WaitFor.RECALL: "您好，您的订单正在取消，我们正从仓库撤回，完成后按原路退款。",
    WaitFor.BALANCE: "您好，定金已收到，货已为您留好。付清尾款后我们会安排发货。",
    WaitFor.PRESALE: "您好，您买的是预售商品，货已为您锁定，到货后马上发出，{promise}。",
    WaitFor.CHANNEL: "您好，您的订单已付款，平台还在确认，确认后我们马上安排发货。",
    WaitFor.OPERATOR: "您好，您的订单需要人工核对，我们正在处理，会尽快给您答复。",
    WaitFor.NOTHING: "您好，您的订单{status}，目前没有待办事项。",
}
"""One sentence for the buyer, ready to copy; it promises nothing that the store does not know."""

ALERTS = (
    {
        "stuck": "订单卡住",
        "out_of_stock": "已付款但缺货",
        "review": "待人工审核",
        "late_payment": "关单后付款",
        "late_refund": "关单后退款",
        "late_cancel": "完成后取消",
        "refund_due": "应退款",
        "too_late": "取消太晚",
        "ship_by_1": "快到发货时限",
        "ship_by_2": "超过发货时限",
        "overshipped": "仓库多发",
        "presale_supply_late": "预售批次延期",
        "presale_late": "预售延期，请告知买家",
        "bundle_parts": "组合商品缺件发出",
        "no_waybill": "发货没有运单号",
        "shipped_after_close": "关单后发货",
        "observation_failed": "消息未入账",
        "pull": "拉单失败",
        "signatures": "连续验签失败",
        "drift": "时钟或时区不对",
        "unknown_status": "不认识的状态码",
        "channel_hold": "渠道暂不允许发货",
        "shipped_elsewhere": "渠道显示已发货，但不是这里发的",
        "token": "授权将失效",
        "reread": "重读被拒",
        "oversell_breaker": "超卖熔断",
        "refund_unheard": "退款没有回调",
        "no_pollers": "没有工作进程",
        "workflow_task_failures": "流程代码出错",
        "schedule_to_start": "任务排队过久",
        "oversize_payload": "数据过大",
        "calls_exhausted": "外部调用久未成功",
        "lag": "处理积压",
        "backlog": "待发过多，直播渠道少展示",
        "surge": "高峰保护",
        "rehearsal_due": "大促前要演练",
        "stock_behind": "库存推送落后",
        "stock_refused": "渠道不收库存",
        "approval_waiting": "等待审批",
        "approval_late": "审批超时",
        "count_blocked": "盘点差异未入账",
        "count_inaccurate": "库存准确率不足",
        "count_failed": "盘点失败",
        "transfer_not_free": "调拨缺货",
        "receipt_differs": "收货数量不符",
        "entry_refused": "仓库不收货",
        "inbound_no_owner": "入库单无负责人",
        "inbound_no_customs_no": "缺清关单号",
        "inbound_late": "到货逾期",
        "stock_drift": "库存账目不一致",
        "workflow_lost": "订单流程没有运行",
    }
    | message_words.ALERTS
    | return_words.ALERTS
    | service_words.ALERTS
    | case_words.ALERTS
    | completeness_words.ALERTS
    | limit_words.ALERTS
)
ACTORS = {"watch": "系统", "order": "系统", "deliver": "系统", "sweeper": "系统", "apply": "系统", "breaker": "熔断",
          "poll": "系统", "routing": "系统", "sla": "系统", "drain": "系统", "rule": "规则",
          "audit": "系统", "ledger": "系统"}  # fmt: skip
"""Who is not a person."""

SEARCHED = {
    "order_key": "订单键",
    "order_no": "订单号",
    "fulfillment_no": "履约单号",
    "waybill_no": "运单号",
    "phone": "手机号",
    "buyer": "买家",
    "order_no_prefix": "订单号开头",
}

_SAID = [
    *order_words.SAID,
    *message_words.SAID,
    *return_words.SAID,
    *service_words.SAID,
    *inbox_words.SAID,
    *count_words.SAID,
    *stock_words.SAID,
    *setting_words.SAID,
    *case_words.SAID,
    *completeness_words.SAID,
    *limit_words.SAID,
    *alert_words.SAID,
]
_TABLE = [(re.compile(pattern, re.DOTALL), words) for pattern, words in _SAID]


def said(words: str) -> str:
    """Say a sentence of the system in Chinese; its parts too. What no table knows stays as it was written."""
    for pattern, chinese in _TABLE:
        found = pattern.fullmatch(words)
        if found:
            return chinese.format(*(said(part) if part else "" for part in found.groups()))
    return STATUSES.get(words, words)


def action(title: str) -> str:
    """Name an entry of an order's story."""
    if title.startswith("stage."):
        return STAGES.get(title.removeprefix("stage."), title.removeprefix("stage."))
    return ACTIONS.get(title) or service_words.ACTIONS.get(title, title)
