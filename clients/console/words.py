"""The domain's words in Chinese, for every page. Tables only; a word that is missing is shown as it is.

Another language is another module of the same names.
"""

import re

from clients.console import count_words, stock_words
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
PAYMENTS = {"unpaid": "未付款", "paid": "已付款", "refunded": "已退款"}
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
HOLD_STATES = {"open": "占用中", "allocated": "已转分配", "consumed": "已出库", "released": "已释放"}
CALLS = {
    "writeback": "回传发货",
    "subscribe": "订阅轨迹",
    "track": "查询轨迹",
    "inquire": "查询出库",
    "reread": "重读订单",
    "stock": "推送库存",
    "entry": "入库预报",
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
CLOSE_REASONS = {"unpaid": "超时未付款", "cancelled": "买家取消", "refunded": "已退款"}

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
    WaitFor.CHANNEL: "您好，您的订单已付款，平台还在确认，确认后我们马上安排发货。",
    WaitFor.OPERATOR: "您好，您的订单需要人工核对，我们正在处理，会尽快给您答复。",
    WaitFor.NOTHING: "您好，您的订单{status}，目前没有待办事项。",
}
"""One sentence for the buyer, ready to copy; it promises nothing that the store does not know."""

ACTIONS = {
    "order.accepted": "首次入库", "order.placed": "下单", "order.paid": "付款", "order.cancelled": "渠道取消",
    "order.refunded": "渠道退款",
    "order.observed": "渠道更新", "order.planned": "已选仓", "order.stuck": "卡住", "order.held": "暂停",
    "order.released": "放行", "order.release": "放行", "order.retry": "重试", "order.skip": "跳过",
    "order.cancel": "取消", "order.late": "临近或超过时限", "order.too_late": "取消太晚，货已发出",
    "order.closed": "关闭", "order.completed": "完成", "order.signed": "全部签收", "order.contradiction": "前后矛盾",
    "order.shipped": "渠道标记已发货", "order.unpaid": "下单", "order.channel_hold": "渠道暂不允许发货",
    "order.imported": "从导出文件导入", "file.received": "收到导入文件", "file.imported": "导入完成",
    "setting.activated": "启用设置", "setting.rolled_back": "设置回退", "pull.failed": "拉单失败",
    "listing.added": "登记在售商品", "listing.imported": "导入在售商品", "listing.removed": "停止推送商品库存",
    "shop.added": "连接店铺", "shop.backup": "备用校验开关", "shop.key": "更换密钥", "shop.token": "更新授权",
    "event.cleared": "通知流程：渠道允许发货", "message.file": "来自导入文件",
    "bundle.set": "设置组合商品", "bundle.removed": "删除组合商品",
    "stock.parked": "停售中，排队等待", "stock.stopped": "停售", "stock.trial": "试销", "stock.resumed": "恢复销售",
    "stock.cart_limit": "未付款占用过多，付款后再分配", "stock.buyer_limit": "超过限购，付款后人工审核",
    "stock.proposed": "低库存建议", "stock.proposal_in_force": "低库存措施生效",
    "stock.proposal_ended": "低库存措施结束", "refund.polled": "主动查询发现退款",
    "event.restocked": "通知流程：已到货", "event.unstocked": "通知流程：库存被释放",
    "stock.short": "缺货", "stock.released": "释放库存", "stock.swept": "清理过期预占", "stock.set": "设置库存",
    "fulfillment.pushed": "仓库已接单", "fulfillment.cancelled": "已从仓库撤回", "fulfillment.by_hand": "改为人工发货",
    "shipment.confirmed": "仓库确认发货", "shipment.booked": "发货入账", "parcel.signed": "包裹签收",
    "writeback.refused": "渠道拒绝发货回传", "subscribe.refused": "快递拒绝订阅", "calls.retried": "重试外部调用",
    "reread.refused": "渠道拒绝重读", "observation.replayed": "重放观察", "inbox.replayed": "重放消息",
    "inbox.opened": "查看原始消息", "contact.revealed": "查看收件人", "scans.opened": "查看物流原文",
    "decision.sent": "发出决定",
    "alert.raised": "告警", "alert.cleared": "告警解除", "call.asked": "准备外部调用", "call.done": "外部调用完成",
    "call.refused": "外部调用被拒绝", "scan": "快递扫描",
    "event.placed": "通知流程：下单", "event.paid": "通知流程：付款", "event.cancelled": "通知流程：取消",
    "event.refunded": "通知流程：退款", "event.shipped": "通知流程：发货", "event.signed": "通知流程：签收",
    "message.order": "收到订单消息", "message.shipment": "收到发货消息", "message.track": "收到轨迹",
    "message.process": "收到仓内进度", "message.hint": "收到变更提示", "login.failed": "登录失败",
    "login.done": "登录", "order.restarted": "重启流程",
    "pool.added": "新建渠道仓", "pool.renamed": "渠道仓改名", "pool.deleted": "删除渠道仓",
    "pool.joined": "店铺加入渠道仓", "pool.left": "店铺退出渠道仓",
    "pool.locked": "渠道仓锁定库存", "pool.released": "渠道仓释放库存",
    "pool.transferred": "渠道仓之间调拨", "pool.shared": "设置渠道仓展示比例", "safety.set": "设置安全库存",
    "stock.regraded": "调整品级", "stock.lowered": "直播渠道降低展示", "stock.restored": "直播渠道恢复展示",
    "approval.asked": "申请审批", "approval.approved": "审批通过", "approval.refused": "审批拒绝",
    "approval.withdrawn": "撤回审批", "count.begun": "开始盘点", "count.ended": "盘点结束",
    "adjustment.booked": "盘点差异入账", "place.added": "新增门店", "transfer.asked": "申请调拨",
    "transfer.approved": "调拨通过", "transfer.refused": "调拨拒绝", "transfer.cancelled": "撤销调拨",
    "transfer.shipped": "调拨出库", "transfer.received": "调拨收货", "transfer.posted": "调拨过账",
    "inbound.added": "新增入库单", "inbound.stage": "入库进度", "inbound.received": "入库收货",
    "entry.refused": "仓库拒绝入库预报", "message.stock_report": "收到仓库库存消息", "message.entry": "收到入库确认",
}  # fmt: skip
ALERTS = {
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
    "bundle_parts": "组合商品缺件发出",
    "no_waybill": "发货没有运单号",
    "shipped_after_close": "关单后发货",
    "observation_failed": "消息未入账",
    "pull": "拉单失败",
    "signatures": "连续验签失败",
    "drift": "时钟或时区不对",
    "unknown_status": "不认识的状态码",
    "channel_hold": "渠道暂不允许发货",
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
}
ACTORS = {"watch": "系统", "order": "系统", "deliver": "系统", "sweeper": "系统", "apply": "系统", "breaker": "熔断",
          "poll": "系统", "rule": "规则"}  # fmt: skip
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

_SAID: list[tuple[str, str]] = [
    (r"who decides\? actor is empty", "没有登录名，不能决定"),
    (r"the order has ended \((.*)\)", "订单已结束（{0}）"),
    (r"the order is not stuck: there is nothing to retry", "订单没有卡住，不需要重试"),
    (r"the order is not stuck: there is nothing to skip", "订单没有卡住，没有可跳过的步骤"),
    (r"the order is not held: there is nothing to release", "订单没有被暂停，不需要放行"),
    (r"it has shipped: open a case instead", "货已发出，不能再改，请走售后"),
    (r"too late: it has shipped; open a case", "太晚了：货已发出，订单继续配送，请走售后"),
    (r"the order is held already: (.*)", "订单已经暂停：{0}"),
    (r"the order's workflow has ended or has not started yet", "订单的流程已结束，或还没有开始"),
    (r"its workflow runs; retry, skip or cancel it instead", "流程还在运行；请用重试、跳过或取消"),
    (r"the order is (\w+); what comes now is after-sales", "订单{0}，之后的事请走售后"),
    (r"closed: (.*)", "已关闭：{0}"),
    (r"cancelled by (.*)", "由 {0} 取消"),
    (r"out of stock: (.*)", "缺货：{0}"),
    (r"paid, but out of stock: (.*)", "已付款，但缺货：{0}"),
    (r"sale stopped by the oversell breaker: (.*)", "超卖熔断，停售中：{0}"),
    (r"sale stopped by hand: (.*)", "人工停售中：{0}"),
    (r"sale stopped on all channels: (.*)\. To the supply chain head \(供应链总监\): .*",
     "全渠道停售：{0}。请供应链总监补货，或试销恢复"),
    (r"(\d+) orders found no units within (\d+) s", "{1} 秒内 {0} 个订单锁不到库存"),
    (r"a trial of its sale failed: units are missing again", "试销失败：又锁不到库存"),
    (r"(\S+) was refunded and no callback came: we found it by asking\. .*",
     "订单 {0} 已退款，但没有收到回调，是主动查询发现的：请检查推送和密钥"),
    (r"its stock was released by (.*?): (.*)", "库存已由 {0} 释放：{1}"),
    (r"its stock was released by hand", "库存已人工释放"),
    (r"its stock was released by (\S+)", "库存已由 {0} 释放"),
    (r"more than (\d+) of (\S+) for one buyer", "{1} 每人限购 {0} 件，已超过"),
    (r"to be reviewed: (.*)", "待审核：{0}"),
    (r"held: (.*)", "已暂停：{0}"),
    (r"(\d+) orders from one IP in (\d+) min(.*)", "同一 IP {1} 分钟内 {0} 单{2}"),
    (r"vague address", "地址太模糊"),
    (r"[Rr]efused \((.*?)\): (.*)", "被拒绝（{0}）：{1}"),
    (r"(\S+) refused the shipment: (.*)", "{0} 拒绝发货回传：{1}"),
    (r"unpaid", "超时未付款"),
    (r"cancelled", "买家取消"),
    (r"refunded", "已退款"),
    (r"completed", "已完成"),
    (r"taken", "已受理"),
    (r"delivered", "已送达"),
    (r"started", "已启动"),
    (r"held", "已暂停"),
    (r"released", "已放行"),
    (r"(\d+) refused calls are tried again", "正在重试 {0} 个被拒绝的外部调用"),
    (r"started again", "流程已重新启动"),
    (r"no reason given", "未写原因"),
    (r"the ship-by time is near and it has not shipped", "快到发货时限，还没有发出"),
    (r"the ship-by time has passed and it has not shipped.*", "已过发货时限还没有发出：请催仓库，并告知买家"),
    (r"refunded by the channel after the order was closed: open a case", "关单后渠道退款：请走售后"),
    (r"paid after the order was closed: refund the buyer or restart the order", "关单后买家付款：请退款，或重新下单"),
    (r"cancelled by the channel although the order is completed.*", "完成后渠道取消：请联系渠道"),
    (r"(.*), but the warehouse had shipped it.*", "{0}，但仓库已发货：请拦截包裹或走售后"),
    (r"accepted as message (\d+)", "已接收，成为消息 {0}"),
    (r"known already: message (\d+)", "早已收到：消息 {0}"),
    (r"nothing to do: (.*)", "不需要处理：{0}"),
    (r"still not verified: (.*)", "仍未通过验证：{0}"),
    (r"still cannot be read: (.*)", "仍然读不懂：{0}"),
    (r"genuine, but cannot be read: (.*); it is message (\d+) now", "来源属实，但读不懂：{0}；现在是消息 {1}"),
    (r"back in the queue", "已放回队列，等待入账"),
    (r"somebody else replayed it just now", "刚才有人重放过了"),
    (r"there is no such (.*)", "没有这条消息（{0}）"),
    (r"no shop (.*) is connected any more.*", "店铺 {0} 已不再连接"),
    (r"(.*): (\d+) units are promised to orders; on hand cannot be set to (\d+)",
     "{0} 有 {1} 件已承诺给订单，在库数不能设为 {2}"),
    (r"no warehouse '(.*)'; add its system first.*", "没有仓库 {0}，请先连接它的仓储系统"),
    (r"(.*) is the last administrator; name another one first", "{0} 是最后一位管理员，请先指定另一位"),
    (r"there is no user '(.*)'; see oms user list", "没有用户 {0}"),
    (r"(\S+) left with parts of a bundle only \((.*)\): send the rest, or pay it back",
     "{0} 只发出了组合商品的一部分（{1}）：请补发或退款"),
    (r"closed \((.*)\) though the buyer has paid: pay the money back", "已关闭（{0}），但买家已付款：请退款"),
    (r"(.*)\. Mend it, then: oms inbox replay (o\d+)", "{0}。处理好原因后，在收件箱重放 {1}"),
    (r"(\d+) pulls in a row failed: (.*)", "连续 {0} 次拉单失败：{1}"),
    (r"the warehouse shipped (\S+) although the order is (\w+): intercept the parcel",
     "订单{1}，仓库却发出了 {0}：请拦截包裹"),
    (r"the warehouse says shipped, but named no waybill: ask it", "仓库说已发货，但没有给运单号：请向仓库核实"),
    (r"the warehouse shipped more than (\S+) holds: (.*); count the stock", "仓库发出的比 {0} 多：{1}；请盘点"),
    (r"its access token cannot be renewed \((.*?)\).*", "授权不能自动续期（{0}）：请重新授权"),
    (r"(.*?) does not fit .* with any key of this shop", "签名 {0} 与本店的密钥都对不上"),
    (r"(.*?) is not the (?:key id|one) of this shop", "{0} 不是本店的"),
    (r"(.*?) is more than 10 minutes away from the moment of receiving", "{0} 与收到的时间相差超过 10 分钟"),
    (r"header missing: (.*)", "缺少请求头：{0}"),
    (r"(.*) is missing or empty", "{0} 缺失或为空"),
    (r"order is missing: send it, or a hint", "消息里没有订单"),
    (r"(\d+) listings show old stock, the oldest for (.*?); the last answer: (.*)",
     "{0} 个在售商品显示的库存已过时，最早的已 {1}；渠道最近的答复：{2}"),
    (r"(\d+) listings show old stock, the oldest for (.*)", "{0} 个在售商品显示的库存已过时，最早的已 {1}"),
    (r"nobody has looked for changes of its stock for (.*): is a worker running\?",
     "已经 {0} 没有检查库存变化：工作进程在运行吗？"),
    (r"(\d+) listings are not taken: (.*)\. Mend the listing: (.*)", "{0} 个在售商品渠道不收：{1}。请核对：{2}"),
    (r"waits for a second person: (.*)", "等待第二人审批：{0}"),
    (r"nobody has decided in time: (.*)", "超时未审批：{0}"),
    (r"(\S+) \((good|defective)\) at (\S+): ([+-]\d+) by count (\S+)", "{0}（{1}）在 {2} 盘点差异 {3}，盘点单 {4}"),
    (r"good", "正品"),
    (r"defective", "残次"),
    (r"transfer request (\S+): (\d+) units in (\d+) transfers", "调拨申请 {0}：{2} 张调拨单，共 {1} 件"),
    (r"it is (open|approved|withdrawn) already", "已是“{0}”状态"),
    (r"approved", "已通过"),
    (r"withdrawn", "已撤回"),
    (r"(.*) asked for it: a second person has to decide", "{0} 是申请人，须由另一人审批"),
    (r"a refusal needs a reason", "拒绝需要写明原因"),
    (r"the count of (\S+) found ([+-]\d+), not booked: (.*)", "{0} 盘点差异 {1}，未入账：{2}"),
    (r"(\d+) units of (\S+) more are promised than would be left: (.*)", "{1} 会少 {0} 件已承诺的货：{2}"),
    (r"count (\S+): (\S+) % of the SKUs agree, wanted are (\S+) %", "盘点 {0}：准确率 {1}%，目标 {2}%"),
    (r"count (\S+) could not be made: (.*)", "盘点 {0} 未完成：{1}"),
    (r"approved, but not free at (\S+) any more: (.*); ask anew", "已通过，但 {0} 库存已不足：{1}；请重新申请"),
    (r"received otherwise than announced: (.*)", "实收与预报不符：{0}"),
    (r"(.*) will not take it: ask why", "{0} 拒收，请问明原因"),
    (r"(\S+) does not expect it: (.*); tell it by hand", "{0} 未接受入库预报（{1}），请人工通知"),
    (r"stage (\w+) has no owner", "阶段 {0} 没有负责人"),
    (r"the customs number is missing; owner: (.*)", "缺清关单号，负责人：{0}"),
    (r"expected (.*) UTC and still (\w+)", "预计 {0} UTC 到货，现仍为 {1}"),
]  # fmt: skip
_TABLE = [(re.compile(pattern, re.DOTALL), words) for pattern, words in [*_SAID, *stock_words.SAID, *count_words.SAID]]


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
    return ACTIONS.get(title, title)
