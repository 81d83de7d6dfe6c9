"""Words and sentences about goods that come back, in Chinese (clients/console/words.py looks here). Tables only."""

ALERTS = {
    "unmatched_return": "没人申报的退货",
    "late_return": "关单后到货",
    "return_refused": "仓库不收退货单",
}
SAID: list[tuple[str, str]] = [
    (r"(\S+) received a parcel that no case announced \((.*)\)", "{0} 收到没人申报的退货包裹（{1}）"),
    (r"no waybill", "无运单号"),
    (r"goods came back for the closed case (\S+) \((\w+)\): look whether money is due",
     "售后单 {0} 已关闭（{1}），货后来才到，请核对是否需要退款"),
    (r"(\S+) does not take the return of case (\S+): (.*); tell it by hand",
     "{0} 不收售后单 {1} 的退货单（{2}），请人工通知"),
    (r"(\S+) does not take its withdrawal of case (\S+): (.*); tell it by hand",
     "{0} 没有撤销售后单 {1} 的退货单（{2}），请人工通知"),
    (r"no SKU (.*): scan the label on the goods again", "没有商品 {0}，请重新扫描商品条码"),
    (r"(\S+) has not confirmed these units \((.*)\); wait for it, or count again",
     "{0} 的仓库系统还没有确认这些件数（{1}），请等它确认，或重新清点"),
    (r"(\S+): count 1 to (\d+) units, good or damaged", "{0}：请填 1 到 {1} 件，良品或残次"),
    (r"the form has no number.*", "页面已过期，请刷新后再提交"),
    (r"the form was cut short on its way: send it again", "内容没有传完，请再提交一次"),
    (r"the form is larger than (\d+) MiB: send a smaller photo", "照片太大（超过 {0} MB），请重拍一张小一些的"),
    (r"the photo was cut short on its way: take it again", "照片没有传完，请重拍"),
    (r"choose the place where the parcel was received", "请选择收货地点"),
    (r"name what was found, each SKU once|name 1 to \d+ SKUs", "请填写清点到的商品，每个商品一行"),
    (r"there is no case (\S+).*", "没有售后单 {0}"),
    (r"case (\S+) has (\d+) photos already", "售后单 {0} 已有 {1} 张照片，不能再加"),
    (r"return (\d+) is (\w+)(?: to case (\S+))? already", "包裹 {0} 已经处理过（{2}）"),
    (r"no unmatched return (\d+); see oms return list", "没有包裹 {0}"),
    (r"order (\S+) has none of (.*): look at the order number", "订单 {0} 里没有 {1}，请核对订单号"),
    (r"say why it belongs to no case", "请写明为什么不属于任何售后单"),
    (r"no order (\S+): look at the number, or wait until the order has arrived", "没有订单 {0}，请核对单号"),
]  # fmt: skip
READINGS = {"": "", "waiting": "识别中", "read": "已识别", "unsure": "需人工核对", "unread": "没有读出"}
GRADES = {"good": "正品", "defective": "残次", "quarantine": "待检"}
