"""The words of settings in Chinese: documents, fields, choices, values. A field without words is its name."""

from collections.abc import Mapping
from typing import Any

from clients.console.setting_shapes import MISSING, Field, Kind, Leaf, Record, Shape, Table
from clients.console.setting_values import shown

DOCUMENTS: dict[str, tuple[str, str]] = {
    "after_sales": ("售后规则", "退货、换货、退款怎样判定：自上而下，第一条适用的为准；空着的格子什么都适用"),
    "sla": ("时效", "每个流程每一步最长多久，超时后依次通知谁"),
    "messages": ("消息", "什么事告诉谁、怎么写、什么时候不打扰；自上而下，命中第一行为准"),
    "alerts": ("告警阈值", "积压多久、失败几次要通知人"),
    "risk": ("风控规则", "哪些订单发货前要人工审核"),
    "status_map": ("状态映射表", "各渠道的状态码是什么意思"),
    "stock": ("库存规则", "展示比例、熔断、限购、盘点和调拨的界限"),
    "timing": ("等待时间", "订单每一步等多久，多久重试和轮询一次"),
}
LABELS = {
    "live": "正式",
    "demo": "演示",
    "ip_orders": "同一 IP 的订单数",
    "ip_window_minutes": "同一 IP 统计的时间",
    "address_least_characters": "地址最少字数",
    "address_vague_words": "模糊地址用词",
    "trusted_orders": "免审所需的已完成订单",
    "channels": "渠道",
    "status": "状态",
    "may_ship": "可以发货",
    "partial": "部分发货",
    "core_channels": "核心渠道",
    "live_channels": "直播渠道",
    "backlog_percent": "积压占比上限",
    "live_weight_percent": "直播渠道权重",
    "breaker_failures": "熔断：锁不到库存的订单数",
    "breaker_window_seconds": "熔断：统计的时间",
    "unpaid_share_percent": "未付款最多占用",
    "unpaid_units_free": "未付款不限的件数",
    "count_approval_units": "盘点差异需审批的件数",
    "count_target_percent": "盘点准确率目标",
    "transfer_approval_units": "调拨需审批的件数",
    "low_stock_days": "低库存天数",
    "limit_per_buyer": "每人限购",
    "limit_at_once": "限购立即生效",
    "price_rise_percent": "涨价建议幅度",
    "slow_units_per_month": "滞销：每月少于",
    "fast_days": "快销：可售天数",
    "inbound_late_seconds": "到货算迟",
    "refund_poll_seconds": "查询退款",
    "watch_seconds": "检查间隔",
    "apply_lag_seconds": "消息入账落后",
    "deliver_lag_seconds": "通知流程落后",
    "schedule_to_start_seconds": "任务等待开始",
    "call_waiting_seconds": "外部调用等待",
    "refused_window_seconds": "拒收消息：统计的时间",
    "oversize_window_seconds": "超大消息：统计的时间",
    "stock_push_seconds": "库存推送落后",
    "call_attempts": "外部调用失败次数",
    "shed_percent": "高峰保护：落后达到告警线的百分之几时暂缓报表、试算和备注修改",
    "promotions": "大促日",
    "begins": "开始时间（带时区）",
    "rehearse_ahead_days": "提前几天提醒演练",
    "calm_percent": "高峰保护：低于百分之几时恢复",
    "unpaid_lock_seconds": "未付款保留库存",
    "late_payment_seconds": "关单后还等付款",
    "ship_by_seconds": "付款后最晚发货",
    "ship_warning_seconds": "发货期限前提醒",
    "sign_by_seconds": "发货后最晚签收",
    "settle_seconds": "签收后结算",
    "retry_first_seconds": "第一次重试",
    "retry_longest_seconds": "重试最长间隔",
    "balance_seconds": "等尾款",
    "apply_poll_seconds": "入账轮询",
    "deliver_poll_seconds": "通知轮询",
    "drain_poll_seconds": "外发轮询",
    "not_yet_retry_seconds": "还没好时再问",
    "courier_query_seconds": "查询物流",
    "warehouse_query_seconds": "查询仓库",
    "mail_query_seconds": "读取邮箱",
    "stock_poll_seconds": "库存推送轮询",
    "breaker_retry_seconds": "外部系统断开后再试",
    "sweep_poll_seconds": "清理过期占用",
    "drain_heartbeat_seconds": "外发心跳",
    "call_lease_seconds": "外部调用独占",
    "delivery_lease_seconds": "通知独占",
    "drain_longest_seconds": "外发一轮最长",
    "low_stock_poll_seconds": "检查低库存",
    "audit_period_seconds": "核账间隔",
    "pull_period_seconds": "拉单间隔（不推送的渠道）",
    "pull_overlap_seconds": "拉单重叠",
    "pull_reach_seconds": "拉单最远",
    "pull_retries_seconds": "拉单重试",
    "pull_heartbeat_seconds": "拉单心跳",
    "pull_beside_push_seconds": "拉单间隔（同时有推送的渠道）",
    "pull_limited_seconds": "拉单间隔（限流严的渠道）",
    "approval_remind_seconds": "审批提醒",
    "approval_escalate_seconds": "审批升级",
    "silence_seconds": "无新订单多久告警",
    "connection_seconds": "检查连接间隔",
    "push_quiet_seconds": "没有推送多久算中断",
    "limit_window_seconds": "限流：统计的时间",
    "limit_percent": "限流：被限流的调用超过百分之几告警",
    "limit_calls": "限流：至少多少次调用才判断",
    "count_period_seconds": "盘点间隔",
    "count_recheck_seconds": "盘点复核",
    "roll_period_seconds": "对单间隔",
    "roll_hour_seconds": "对单：一小时有多长",
    "roll_day_seconds": "对单：一天有多长",
    "roll_delay_seconds": "对单：时段结束后等待",
    "roll_again_seconds": "对单：再对一次",
    "roll_heal_seconds": "漏单补齐期限",
    "roll_reach_seconds": "对单最远",
    "rows": "规则",
    "reasons": "原因",
    "return_seconds": "买家寄回的期限",
    "cases_window_days": "频繁售后：统计的时间",
    "agent_up_to_minor": "客服一次最多可批准",
    "most_photos": "最多几张照片",
    "photo_bytes": "每张照片最大（字节）",
    "ruling": "判定",
    "words": "说明",
    "words_en": "说明（英文页面）",
    "kinds": "售后类型",
    "phases": "货在哪里",
    "origins": "谁发起",
    "sku_prefixes": "商品编码开头",
    "within_days": "签收后几天内",
    "up_to_minor": "金额不超过",
    "from_cases": "近期售后达到",
    "freight_back": "商家承担运费",
    "pay_before_return": "先退款后退货",
    "needs_photo": "要有照片",
    "code": "代码",
    "fault": "责任方",
    "calendar": "工作日历",
    "case_mean_hours": "售后平均处理时长目标（小时）",
    "case_closed_percent": "售后结案率目标（%）",
    "zone": "时区",
    "opens": "上班",
    "closes": "下班",
    "weekdays": "每周工作日",
    "holidays": "放假",
    "extra_days": "调休上班",
    "due_seconds": "时限",
    "warn_seconds": "到期前提醒",
    "warn_role": "提醒谁",
    "after_seconds": "开始后多久",
    "role": "通知谁",
    "recipients": "收件人",
    "account": "账号",
    "mobiles": "手机号",
    "users": "用户",
    "mails": "邮箱",
    "templates": "模板",
    "template": "模板",
    "kind": "消息类型",
    "to": "发给谁",
    "quiet": "夜间不发",
    "quiet_hours": "夜间时段",
    "level": "级别",
    "codes": "供应商模板编号",
    "params": "模板参数",
    "limits": "发送上限",
    "messages": "条数",
    "window_seconds": "统计的时间",
    "seconds": "间隔",
    "merge_from": "合并：从几条起",
    "process": "流程",
    "step": "步骤",
    "clock": "计时",
    "duration": "时限",
    "rungs": "升级",
    "rules": "规则",
    "when": "条件",
    "then": "处理",
    "name": "名称",
    "reason": "原因",
    "title": "标题",
    "body": "正文",
    "text": "正文",
}
HELP = {
    "rungs": "超过多久还没完成，就通知谁",
    "weekdays": "1 是周一，7 是周日；每行一个",
    "holidays": "日期，例如 2026-10-01；每行一个",
    "extra_days": "周末上班的日期；每行一个",
    "kinds": "不选就是全部",
    "ip_orders": "时间段内达到这个数的订单要审核",
    "address_least_characters": "不含空格；更短的地址要审核",
    "address_vague_words": "地址含其中任何一个就要审核",
    "trusted_orders": "买家完成过这么多订单就不再审核",
    "unpaid_lock_seconds": "超过仍未付款，库存自动释放",
    "backlog_percent": "待发货超过可售的这个比例时收紧",
    "status": "渠道的代码对应我们的哪个状态",
    "may_ship": "只对已付款的状态有意义",
    "partial": "只对已付款的状态有意义",
}
CHOICES = {
    "unpaid": "待付款",
    "deposit": "已付定金",
    "paid": "已付款",
    "shipped": "已发货",
    "signed": "已签收",
    "completed": "已完成",
    "cancelled": "已取消",
    "refunded": "已退款",
    "approve": "同意",
    "review": "人工审核",
    "refuse": "拒绝",
    "refund": "仅退款",
    "return": "退货退款",
    "exchange": "换货",
    "reship": "补发",
    "price": "价保",
    "compensation": "补偿",
    "before_shipping": "未发货",
    "on_the_way": "运输中",
    "received": "已签收",
    "buyer": "买家",
    "agent": "客服",
    "channel": "平台",
    "warehouse": "仓库",
    "case": "售后",
    "exception": "异常",
    "order": "订单",
    "ticket": "工单",
    "change": "改单",
    "service_agent": "客服",
    "service_supervisor": "客服主管",
    "warehouse_lead": "仓库主管",
    "supply_chain": "供应链",
    "finance_supervisor": "财务主管",
    "finance_head": "财务总监",
    "sales_lead": "销售主管",
    "tech_lead": "技术主管",
    "ceo": "总经理",
    "it_owner": "系统负责人",
    "channel_owner": "渠道负责人",
    "always": "全天",
    "working": "工作时间",
    "calendar": "自然时间",
}
UNITS = {
    "minutes": "分钟",
    "hours": "小时",
    "days": "天",
    "percent": "%",
    "units": "件",
    "orders": "单",
    "failures": "单",
    "attempts": "次",
    "characters": "字",
    "minor": "元",
}
YES_NO = {True: "是", False: "否"}
AND = "；"
JOIN = " · "
NOTHING = "—"
ROW = "第 {n} 行"
UNNAMED = "（未命名）"
MOST_SUMMARY = 160

SAID: list[tuple[str, str]] = [
    (r"(\w+) version (\d+) by (.*) is in force, and this change was made from version (\d+): .*",
     "第 {1} 版（{2}）刚刚生效，而您的改动基于第 {3} 版：请先看看它"),
    (r"(\w+) version (\d+), which is in force, says the same: nothing is changed", "和生效的第 {1} 版一样，没有改动"),
    (r"(\w+) version (\d+) is in force already", "第 {1} 版已经在生效"),
    (r"(\w+) has no version (\d+); .*", "没有第 {1} 版"),
    (r"(\w+) has no version yet: .*", "还没有任何版本：启动一次工作进程，就会带来出厂设置"),
    (r"no settings document '(.*)'; known are .*", "没有这份设置：{0}"),
    (r"the draft was changed on another page: load this page anew", "草稿在另一个页面被改过：请刷新本页后再改"),
    (r"(\w+), may not ship", "{0}，不可发货"),
    (r"unknown", "未知"),
    (r"approve: (.*)", "同意：{0}"),
    (r"review: (.*)", "人工审核：{0}"),
    (r"refuse: (.*)", "拒绝：{0}"),
    (r"freight", "商家承担运费"),
    (r"pays first", "先退款后退货"),
    (r"(.*); (vague address)", "{0}；{1}"),
]  # fmt: skip


def document(kind: str) -> tuple[str, str]:
    """Name a document and what it governs."""
    return DOCUMENTS.get(kind, (kind, ""))


def label(name: str) -> str:
    """Name a field."""
    return LABELS.get(name, name)


def help_of(field: Field) -> str:
    """Explain a field: as it describes itself, else as the table does."""
    return field.help or HELP.get(field.name, "")


def choice(value: str) -> str:
    """Name a choice."""
    return CHOICES.get(value, value)


def unit(leaf: Leaf) -> str:
    """Name what a number counts."""
    return UNITS.get(leaf.unit, "")


def told_value(shape: Shape, value: Any) -> str:
    """Say a value in words, on one line."""
    if value is MISSING or value is None or value in ("", [], {}):
        return NOTHING
    match shape:
        case Leaf(kind=Kind.FLAG) if isinstance(value, bool):
            return YES_NO[value]
        case Leaf(kind=Kind.CHOICE) if isinstance(value, str):
            return choice(value)
        case Leaf(kind=Kind.PICKS) if isinstance(value, list):
            return "、".join(choice(str(one)) for one in value)
        case Leaf():
            words = shown(shape, value).replace("\n", "、" if shape.kind is Kind.MANY else " ")
            return words if isinstance(value, str) else f"{words} {unit(shape)}".rstrip()
        case Record() if isinstance(value, Mapping):
            return _parts(shape, value)
        case Table() if isinstance(value, list):
            return f"{len(value)} 行"
    return f"{len(value)} 项" if isinstance(value, Mapping) else str(value)[:MOST_SUMMARY]


def _parts(record: Record, value: Mapping[str, Any]) -> str:
    parts = [(one.name, told_value(one.shape, value.get(one.name, one.default))) for one in record.fields]
    said = [
        words if record.pair and name == "live" else f"{label(name)} {words}"
        for name, words in parts
        if words != NOTHING
    ]
    if record.pair and len(said) > 1:
        return f"{said[0]}（{'，'.join(said[1:])}）"[:MOST_SUMMARY]
    return AND.join(said)[:MOST_SUMMARY]
