"""Words and sentences of the service board, exceptions, claims and tickets, in Chinese. Tables only.

clients/console/words.py looks here.
"""

KINDS = {"short": "少发", "wrong": "错发", "damaged": "破损", "logistics": "物流异常"}
RESPONSIBLE = {"warehouse": "仓库", "courier": "快递", "supplier": "供应商"}
COMPENSATIONS = {"reship": "补发", "refund": "退款", "gift": "赠品"}
STATES = {
    "open": ("待处理", "warn"),
    "handled": ("处理中", "calm"),
    "closed": ("已关闭", "good"),
    "new": ("待答复", "warn"),
    "answered": ("已答复", "calm"),
    "review": ("待审核", "warn"),
    "checking": ("检查中", "calm"),
    "stopping": ("拦截发货", "warn"),
    "returning": ("等买家寄回", "calm"),
    "in_transit": ("退货途中", "calm"),
    "inspecting": ("待验货", "warn"),
    "paying": ("退款中", "warn"),
    "shipping": ("待发出", "warn"),
}
CLAIMS = {
    "open": ("未提交", "warn"),
    "handed_in": ("已提交，等答复", "calm"),
    "won": ("已赔付", "good"),
    "lost": ("未赔付", "bad"),
}
RED = {
    "no_invoice": ("没有蓝票", "warn"),
    "wanted": ("待开草稿", "calm"),
    "drafted": ("草稿待财务确认", "warn"),
    "refused": ("被拒绝", "bad"),
    "confirmed": ("财务已确认", "good"),
}
TICKETS = {"complaint": "投诉", "reminder": "催单", "question": "咨询"}
SOURCES = {"wechat": "微信", "mail": "邮件", "paper": "纸质", "phone": "电话", "channel": "渠道", "shop": "自有商城"}
PROCESSES = {"ticket": "工单", "exception": "异常单", "case": "售后单"}
CASES = {
    "refund": "仅退款", "return": "退货退款", "exchange": "换货", "reship": "补发", "price": "价保",
    "compensation": "补偿",
}  # fmt: skip
ENTRIES = {
    "asked": "买家", "answer": "答复", "note": "备注", "take": "接手", "hand_over": "转交", "attach": "关联订单",
    "close": "关闭", "reopen": "重新打开",
}  # fmt: skip
ACTIONS = {
    "order.exception_opened": "开异常单", "order.exception_moved": "异常单有进展", "order.ticket": "工单有进展",
    "exception.opened": "开单", "exception.routed": "自动分派", "exception.handle": "接手处理",
    "exception.hand_over": "转交", "exception.close": "关闭", "exception.reopen": "重新打开",
    "exception.overdue": "超时上报", "exception.due_soon": "即将超时", "red_letter.made": "红字发票草稿",
    "red_letter.invoice": "填写蓝票号码", "red_letter.drafted": "红字草稿已开",
    "red_letter.refused": "红字草稿被拒绝", "red_letter.confirmed": "财务确认红字",
    "claim.handed_in": "索赔已提交", "claim.won": "索赔成功", "claim.lost": "索赔未成", "claim.packed": "下载索赔证据",
    "mailbox.failed": "邮箱读取失败",
    "ticket.opened": "工单登记", "ticket.answer": "答复", "ticket.overdue": "超时上报", "ticket.due_soon": "即将超时",
    "macro.saved": "保存快捷语", "macro.dropped": "删除快捷语",
    "receivable.posted": "导出应收变动", "receivable.downloaded": "下载应收变动",
}  # fmt: skip
ALERTS = {"exception_overdue": "异常单超时", "ticket_overdue": "工单超时", "mailbox": "邮箱读不了"}
_STATE = r"(open|handled|closed|new|answered)"
SAID: list[tuple[str, str]] = [
    (r"(?:(\S+): )?exception \w+ (?:overdue|due soon), since (\d\d-\d\d \d\d:\d\d) UTC; told: (\S+)",
     "{0} 异常单从 {1}（UTC）起没有处理完，已通知 {2}"),
    (r"(?:(\S+): )?ticket \w+ (?:overdue|due soon), since (\d\d-\d\d \d\d:\d\d) UTC; told: (\S+)",
     "{0} 工单从 {1}（UTC）起没有处理完，已通知 {2}"),
    (r"(?:'(.*)' is no |)(kind|responsible|compensation|source)(?: is missing)?; it is one of .*",
     "请选择{1}"),
    (r"kind", "种类"),
    (r"responsible", "责任方"),
    (r"compensation", "补偿方式"),
    (r"source", "来源"),
    (r"who (?:opens it|types it in|does it)\? actor is empty", "没有登录名"),
    (r"to send again needs lines: .*", "补发请填写要补的商品和件数"),
    (r"the order has no line '(.*)'; it has (.*)", "订单里没有第 {0} 行，只有 {1}"),
    (r"line (\S+): (\d+) units; (\d+) were ordered, name 1 or more",
     "第 {0} 行填了 {1} 件，下单 {2} 件，请填 1 到 {2}"),
    (r"a gift needs its SKU", "赠品请填写商品编码"),
    (r"an amount comes with a refund only", "只有退款才填金额"),
    (r"a refund needs its amount", "退款请填写金额"),
    (r"(\S+) cannot be paid back; at most (\S+) can", "不能退 {0} 元，最多可退 {1} 元"),
    (r"'(.*)' is no amount such as 12\.50", "“{0}”不是金额，请填如 12.50"),
    (r"'(.*)' is no LINE=UNITS, such as 1=2", "“{0}”看不懂，请按“行号=件数”填写，如 1=2"),
    (r"it is handled already; hand it over, or close it", "已经有人在处理，可以转交或关闭"),
    (r"it is closed; open it again first", "异常单已关闭，请先重新打开"),
    (r"the ticket is closed; open it again first", "工单已关闭，请先重新打开"),
    (rf"(?:it|the ticket) is {_STATE}: only a closed one is opened again", "还没有关闭，不需要重新打开"),
    (r"to open it again needs a reason", "重新打开请写原因"),
    (r"to whom\? owner is empty", "请填写转交给谁"),
    (r"to which order\? order_key is empty", "请填写订单号"),
    (r"to close it, say what was done", "关闭前请写明处理结果"),
    (r"there are no words", "请填写内容"),
    (r"(\d+) characters; at most (\d+) fit", "内容太长（{0} 字），最多 {1} 字"),
    (r"there is no (exception|ticket|claim) (\S+); see .*", "没有这个单号：{1}"),
    (r"taken already", "已经处理过"),
    (r"attachment (.*) \((\S+), (\d+) bytes\): see the message as received", "附件 {0}（{1}，{2} 字节），见原始消息"),
    (r"(\d+) quoted lines", "引用的 {0} 行"),
    (r"the letter has (\d+) bytes; the first (\d+) are kept, the whole one is in the mailbox",
     "邮件太大（{0} 字节），只保存了前 {1} 字节，完整内容在邮箱里"),
    (r"the text has (\d+) characters; the first (\d+) are shown", "正文 {0} 字，只显示前 {1} 字"),
    (r"some characters cannot be read \((\S+)\)", "有些字读不出来（{0}）"),
    (r"a part of the letter cannot be decoded: see the message as received", "有一部分读不出来，见原始消息"),
    (r"the letter cannot be taken apart: see the message as received", "邮件拆不开，见原始消息"),
    (r"(\d+) readings in a row failed: (.*)", "连续 {0} 次读取失败：{1}"),
    (r"the mail server does not take the login of (\S+): mend it with oms shop key",
     "{0} 的登录名或密码不对，请用 oms shop key 更新"),
    (r"claim (\S+) is (\w+) already", "索赔 {0} 已经有结果"),
    (r"a lost claim needs the reason that they gave", "未赔付请写对方的理由"),
    (r"no order was found in what was given: .*", "没有找到订单，请填订单号、运单号或完整手机号"),
    (r"(\d+) orders fit: (.*); give the number of one", "找到 {0} 个订单（{1}），请填其中一个的订单号"),
    (r"no order (\S+): look at the number, or leave it empty and attach it later",
     "没有订单 {0}，请核对，或先空着以后再关联"),
    (r"nobody knows (.*); there are (.*)", "没有人会填 {0}，可以用 {1}"),
    (r"a macro needs a code and a title", "快捷语要有编号和名称"),
    (r"no receivable change waits: .*", "没有待导出的应收变动"),
    (r"there is no export (\S+); see .*", "没有这个导出号：{0}"),
    (r"no account for invoices is connected .*", "还没有接开票服务：请在开票系统手工开红字，再点确认"),
    (r"only a part is paid back, and no service .*",
     "只退一部分，而开票服务不提供蓝票明细：请填写蓝票号码和要冲红的行，或在开票系统手工开红字，再点确认"),
    (r"the service was asked for the draft and has not answered yet: .*", "已向开票服务申请草稿，还没有答复，请稍等"),
    (r"the draft is made already: .*", "红字草稿已经开了：请先在开票系统撤销，手工重开，再点确认"),
    (r"the lines come to (\S+), but (\S+) is paid back", "这些行合计 {0} 元，退款是 {1} 元，请核对含税金额"),
    (r"'(.*)' is no line: .*", "“{0}”看不懂，请按“行号 货物 件数 含税金额 税率% 编码”填写，用空格隔开"),
    (r"'(.*)': number, units and amount begin at .*", "“{0}”：行号、件数从 1 起，金额从 0.01 起"),
    (r"'(.*)' is no tax classification code: it has (\d+) digits", "“{0}”不是税收分类编码（应为 {1} 位数字）"),
    (r"line (\d+) of the blue invoice stands there twice", "蓝票第 {0} 行填了两次"),
    (r"(\d+) lines; at most (\d+) fit on a red letter", "填了 {0} 行，最多 {1} 行"),
    (r"'(.*)' is no number of an e-invoice: it has (\d+) digits", "“{0}”不是数电票号码（应为 {1} 位数字）"),
    (r"the red letter is confirmed already", "红字已经确认过"),
    (r"exception (\S+) has no red letter", "异常单 {0} 没有红字发票"),
    (r"no invoice of this order is known: .*", "不知道这张订单开过蓝票：请填蓝票号码；没有开过就不用处理"),
]  # fmt: skip
