"""Counts, approvals, transfers, inbound shipments and turnover in Chinese (clients/console/words.py looks here too)."""

from domain.approvals import ApprovalState
from domain.counting import Grade, LineVerdict
from domain.inbound import Stage
from domain.transfers import COLUMNS, TOTAL, TransferState
from domain.turnover import Pace

GRADES = {Grade.GOOD: "正品", Grade.DEFECTIVE: "残次"}
VERDICTS = {
    LineVerdict.AGREES: ("一致", "good"),
    LineVerdict.DIFFERS: ("有差异", "bad"),
    LineVerdict.UNSETTLED: ("未定", "warn"),
}
ADJUSTMENTS = {
    "waiting": ("等待审批", "warn"),
    "blocked": ("未入账", "bad"),
    "booked": ("已入账", "good"),
    "refused": ("已拒绝", "calm"),
    "superseded": ("已作废", "calm"),
}
SCOPES = {"all": "全部商品", "reported": "仓库报告的商品"}
APPROVAL_KINDS = {"adjustment": "盘点差异", "transfer": "调拨申请"}
APPROVALS = {
    ApprovalState.OPEN: ("等待审批", "warn"),
    ApprovalState.APPROVED: ("已通过", "good"),
    ApprovalState.REFUSED: ("已拒绝", "bad"),
    ApprovalState.WITHDRAWN: ("已撤回", "calm"),
}
TRANSFERS = {
    TransferState.APPROVAL: ("等待审批", "warn"),
    TransferState.APPROVED: ("待出库", "warn"),
    TransferState.SHIPPED: ("在途", "calm"),
    TransferState.RECEIVED: ("已收货", "good"),
    TransferState.CLOSED: ("已过账", "good"),
    TransferState.REFUSED: ("已拒绝", "bad"),
    TransferState.CANCELLED: ("已撤销", "calm"),
}
COLUMN_WORDS = dict(zip((*COLUMNS, TOTAL), ("调出", "调入", "商品编码", "数量", "调入合计"), strict=True))
STAGES = {
    Stage.ORDERED: "已下单",
    Stage.PRODUCED: "已生产",
    Stage.SHIPPED: "运输中",
    Stage.CUSTOMS: "清关中",
    Stage.ARRIVED: "已到港/到仓",
    Stage.RECEIVED: "已入库",
}
PACES = {
    Pace.FAST: ("快卖完", "bad"),
    Pace.SLOW: ("滞销", "warn"),
    Pace.STEADY: ("正常", "good"),
    Pace.EMPTY: ("无货无销", "calm"),
}

SAID: list[tuple[str, str]] = [
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
    (r"schedule", "自动"),
    (r"to be counted again", "等待复盘"),
    (r"it moved while it was counted", "盘点时库存有变动"),
    (r"(\d+) units may have left without a confirmation yet", "可能有 {0} 件已出库、尚未确认"),
    (r"(\d+) units are expected and may have arrived without a confirmation yet", "可能有 {0} 件已到货、尚未确认"),
    (r"([+-]\d+) at first, ([+-]\d+) when counted again", "初盘 {0}，复盘 {1}，两次不一致"),
    (r"count (\S+) found ([+-]\d+)", "盘点 {0} 发现差异 {1}"),
    (r"count (\S+) found no difference", "盘点 {0} 已无差异"),
    (r"stock was set by hand since the count: count again", "盘点后有人改过在库数，请重新盘点"),
    (r"no SKU (\S+) here: set its stock first", "没有商品 {0}，请先设置它的库存"),
    (r"there are fewer than (\d+) defective units of (\S+) here", "{1} 的残次品不足 {0} 件"),
    (r"booked: (\S+) at (\S+) ([+-]\d+)", "已入账：{0} 在 {1} {2} 件"),
    (r"not booked: (.*)", "未入账：{0}"),
    (r"refused; nothing was booked", "已拒绝，没有入账"),
    (r"it was closed meanwhile|it is closed already", "它已经结束"),
    (r"it is refused already", "已是“已拒绝”状态"),
    (r"decided by (\S+) already: (.*)", "{0} 已决定：{1}"),
    (r"(A\d{10}): (.*)", "{0}：{1}"),
    (r"(\S+) is decided or withdrawn already.*", "{0} 已审批或已撤回"),
    (r"there is no approval (\S+);.*", "没有审批 {0}"),
    (r"(\d+) transfers refused; nothing was held", "{0} 张调拨单已拒绝，没有占用库存"),
    (r"(\d+) transfers approved, their units are held; not free any more: (.*)",
     "{0} 张调拨单已通过并占用库存；库存已不足：{1}"),
    (r"(\d+) transfers approved, their units are held", "{0} 张调拨单已通过，库存已占用"),
    (r"(\S+) was cancelled", "{0} 已撤销"),
    (r"is no known place", "没有这个地点"),
    (r"is no known SKU", "没有这个商品"),
    (r"is empty", "没有填"),
    (r"is the place that it comes from", "与调出相同"),
    (r"(\d+) cells more than the header: a cell has shifted", "比表头多 {0} 格：这一行错位了"),
    (r"is not a whole number from 1 to (\d+)", "不是 1 到 {0} 的整数"),
    (r"is not a whole number", "不是整数"),
    (r"stands on line (\d+) already, from and to the same places", "与第 {0} 行重复（同样的调出、调入）"),
    (r"is more than the (\d+) that are free there", "超过调出地可用的 {0} 件"),
    (r"(\S+) would get (\d+), its total is (\d+)", "{0} 各行合计 {1}，与调入合计 {2} 不符"),
    (r"the request has no rows", "表里没有数据行"),
    (r"the file is empty", "文件是空的"),
    (r"no row is right: nothing was written", "没有一行正确，没有写入"),
    (r"line 1: column (.*) is missing; the file has (.*)", "第 1 行缺少列：{0}；文件里的列是：{1}"),
    (r"line 1: column (.*) is none of (.*)", "第 1 行有不认识的列：{0}；可用的列：{1}"),
    (r"line (\d+): column (.*) is there twice: rename or remove one", "第 {0} 行的列“{1}”重复，请改名或删除一个"),
    (r"the file has more than (\d+) MB.*", "文件超过 {0} MB，请拆成几个，每个都带表头"),
    (r"(\S+): (.*); somebody was faster, check the request again", "{0}：{1}；刚刚被占用，请重新核对"),
    (r"(\S+): (\d+) free, (\d+) wanted", "{0} 可用 {1} 件，要 {2} 件"),
    (r"there is no (?:transfer|inbound shipment|inbound) (\S+);.*", "没有单号 {0}"),
    (r"transfer (\S+) is (\w+).*", "调拨单 {0} 现为“{1}”，不能这样做"),
    (r"(\S+) is (\w+): what has left goes back by a transfer the other way",
     "调拨单 {0} 现为“{1}”：已出库的货请用反向调拨退回"),
    (r"transfer (\S+): more than is held for it: (.*)", "调拨单 {0} 出库数超过占用数：{1}"),
    (r"transfer (\S+): nothing would leave; cancel it instead", "调拨单 {0} 没有出库数量；不调了请撤销"),
    (r"inbound (\S+): (.*)", "到货单 {0}：{1}"),
    (r"inbound (\S+) is no overseas shipment: it has no customs number", "到货单 {0} 不是海外货，没有清关单号"),
    (r"it is not an overseas shipment: it passes no customs", "不是海外货，不经过清关"),
    (r"it is received already", "已入库"),
    (r"it is (\w+) already: stages only go on", "已到“{0}”，阶段只能向前"),
    (r"received is what its receipt says: .*", "请用“收货”登记入库"),
    (r"approval", "等待审批"),
    (r"received", "已收货"),
    *((stage.value, words) for stage, words in STAGES.items() if stage.value not in {"shipped", "received"}),
]  # fmt: skip
