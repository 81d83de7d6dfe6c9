"""Every word of the buyers' pages, Chinese and English side by side. What the shop wrote itself stays as it is."""

from collections.abc import Mapping

from domain.after_sales import Actor, CaseKind, CaseState, Outcome
from domain.observations import ParcelState

ZH, EN = "zh", "en"
LANGUAGES = (ZH, EN)
Both = tuple[str, str]

WORDS: Mapping[str, Both] = {
    "brand": ("订单服务", "Order service"),
    "other_language": ("English", "中文"),
    "order": ("我的订单", "My order"),
    "order_no": ("订单号", "Order number"),
    "phone": ("收货手机号", "Phone of the receiver"),
    "login": ("查询订单", "Find my order"),
    "login_how": (
        "请填写订单号和收货手机号，我们会把验证码发到这个手机。",
        "Give the order number and the receiver's phone: we send a code to that phone.",
    ),
    "login_masked": (
        "天猫、抖音等平台加密了手机号，这些订单只能用客服发给您的链接打开。",
        "Some marketplaces hide phone numbers: such orders open only by the link that our service sends.",
    ),
    "get_code": ("获取验证码", "Send me a code"),
    "code": ("6 位验证码", "6-digit code"),
    "code_sent": (
        "如果订单号和手机号对得上，验证码马上会到，5 分钟内有效。没有收到？请核对后再试，或联系客服索取链接。",
        "If number and phone belong together, a code arrives now; it is good for 5 minutes. Nothing came? "
        "Check both and try again, or ask our service for a link.",
    ),
    "enter": ("打开订单", "Open my order"),
    "code_wrong": (
        "验证码不对，或已过期。请核对，或重新获取。",
        "The code is wrong or too old. Check it, or get a new one.",
    ),
    "code_again": ("重新获取验证码", "Get a new code"),
    "slow": ("尝试太频繁，请 {seconds} 秒后再试。", "Too many tries: please wait {seconds} seconds."),
    "stale": ("页面已过期，请再提交一次。", "This page is too old: please send it once more."),
    "bad_login": ("请填写订单号和完整的手机号。", "Give the order number and the whole phone number."),
    "link_open": ("查看我的订单", "Show my order"),
    "link_once": (
        "这个链接只能用一次，打开后 12 小时内不用再登录。",
        "This link works once; afterwards this browser stays in for 12 hours.",
    ),
    "link_used": (
        "这个链接已经用过了。请用订单号和手机号登录，或向客服再要一个链接。",
        "This link was used already. Come in by order number and phone, or ask our service for another link.",
    ),
    "link_expired": (
        "这个链接已过期。请用订单号和手机号登录，或向客服再要一个链接。",
        "This link is too old. Come in by order number and phone, or ask our service for another link.",
    ),
    "link_unknown": ("这个链接不完整或无效，请重新复制整个链接。", "This link is not whole: copy all of it once more."),
    "away": (
        "系统暂时没有应答，您的订单和申请都没有丢，请稍后再试。",
        "The system does not answer for a moment. Nothing is lost: please try again soon.",
    ),
    "missing": ("没有这个页面，或它不属于这张订单。", "There is no such page, or it belongs to another order."),
    "large": ("上传的内容太大，请减少照片或换小一些的照片。", "This is too large: send fewer or smaller photos."),
    "bad_form": ("提交的内容不完整，请返回重试。", "The form is not whole: go back and try again."),
    "back": ("返回", "Back"),
    "leave": ("退出", "Leave"),
    "placed": ("下单", "Ordered"),
    "paid": ("实付", "Paid"),
    "refunded": ("已退款", "Paid back"),
    "goods": ("商品", "Goods"),
    "parcels": ("包裹", "Parcels"),
    "parcel_n": ("包裹 {n}", "Parcel {n}"),
    "no_parcels": (
        "还没有发出包裹。发出后，这里会显示快递单号和物流轨迹。",
        "No parcel has left yet. Its number and its way will be shown here.",
    ),
    "no_scans": (
        "快递还没有揽收信息，一般在发货后 24 小时内更新。",
        "The courier has no news yet; it comes within a day.",
    ),
    "earlier": ("更早的 {n} 条", "{n} earlier ones"),
    "cases": ("我的售后", "My requests"),
    "no_cases": ("没有售后申请。", "No requests yet."),
    "apply": ("申请售后", "Ask for after-sales"),
    "next": ("接下来", "What comes next"),
    "until": ("最晚 {at}", "until {at}"),
    "apply_what": ("您想要什么？", "What would you like?"),
    "choose": ("选择商品和原因", "Choose goods and reason"),
    "which": ("哪些商品", "Which goods"),
    "none": ("不选", "none"),
    "left": ("可申请 {n} 件", "{n} left"),
    "why": ("原因", "Reason"),
    "needs_photo": ("需要照片", "needs a photo"),
    "wanted": ("申请金额（元）", "Amount"),
    "wanted_hint": ("例如 12.50，最多 {most}", "such as 12.50, at most {most}"),
    "wanted_bad": ("请填写申请金额，例如 12.50。", "Give an amount such as 12.50."),
    "wanted_sum": ("申请金额", "You ask for"),
    "cannot_choose": ("现在不能选的原因（{n}）", "Not for this request ({n})"),
    "go_on": ("下一步", "Go on"),
    "check_send": ("核对并提交", "Check and send"),
    "choose_some": ("请至少选一件商品，并选择原因。", "Choose at least one piece and a reason."),
    "refund_sum": ("可退金额", "To be paid back"),
    "freight": ("运费", "Freight"),
    "total": ("合计", "Total"),
    "no_money": ("不涉及退款。", "No money is involved."),
    "money_note": ("以审核结果为准；优惠已按比例分摊。", "As reviewed; discounts are shared out."),
    "verdict_approve": ("提交后自动通过", "It is approved at once"),
    "verdict_review": ("提交后由客服审核", "Our service reviews it"),
    "verdict_refuse": ("不能这样申请", "This cannot be asked for"),
    "words": ("补充说明（可不填）", "More words (optional)"),
    "words_hint": ("请不要填写姓名、电话和地址", "No names, phones or addresses, please"),
    "photos": ("照片", "Photos"),
    "photos_hint": (
        "最多 {n} 张，每张不超过 {mb} MB，JPG、PNG 或 WebP。位置等信息会被去掉。",
        "At most {n}, up to {mb} MB each: JPG, PNG or WebP. Places and other hidden data are removed.",
    ),
    "photo_many": ("照片最多 {n} 张。", "At most {n} photos."),
    "send": ("提交申请", "Send"),
    "case": ("售后单", "Request"),
    "acts": ("现在等", "Now it is up to"),
    "refused": ("没有通过", "Refused"),
    "return_to": ("请寄到", "Send it to"),
    "return_ask": ("{name}。收货地址请联系客服确认。", "{name}. Please ask our service for its address."),
    "return_note": ("请在包裹里放一张写有售后单号 {no} 的纸条。", "Put a note with {no} into the parcel."),
    "parcel_back": ("寄回的包裹", "Your parcel to us"),
    "waybill": ("运单号", "Waybill number"),
    "carrier": ("快递公司", "Courier"),
    "carrier_other": ("请选择，或不填", "choose, or leave it"),
    "waybill_save": ("登记运单号", "Save the number"),
    "waybill_bad": (
        "运单号应为 6 到 32 位字母和数字，就印在条码下面。",
        "A waybill number has 6 to 32 letters and digits; it stands below the bar code.",
    ),
    "waybill_saved": ("运单号已登记。", "The number is noted."),
    "or_label": ("或拍一张面单，我们来读", "Or take a photo of the label: we read it"),
    "label_send": ("上传面单照片", "Send the photo"),
    "label_saved": ("面单照片已收到，正在识别运单号。", "The photo is here, its number is being read."),
    "label_waiting": (
        "面单照片已收到，正在识别运单号。也可以直接填写。",
        "The label's number is being read. You may also type it.",
    ),
    "label_read": ("从面单读到 {no}", "Read on the label: {no}"),
    "label_unsure": ("面单上好像是 {no}，请核对后填写。", "It may be {no}: please check and type it."),
    "label_unread": ("面单上没有读出运单号，请直接填写。", "No number could be read: please type it."),
    "photo_choose": ("请选择照片。", "Choose a photo."),
    "withdraw": ("撤回申请", "Withdraw"),
    "withdrawn": ("申请已撤回。", "It is withdrawn."),
    "withdraw_why": ("撤回后可以重新申请。", "You may ask anew afterwards."),
    "too_late": ("商品已收到或款项已在途", "the goods are here, or the money is on its way"),
    "pending": (
        "已发送，尚未确认。请稍后刷新，不用重复提交。",
        "Sent, not confirmed yet. Look again in a moment, do not repeat.",
    ),
    "not_done": ("没有办成：{why}", "Not done: {why}"),
    "asked_for": ("申请内容", "What you asked for"),
    "my_words": ("您的说明", "Your words"),
    "granted": ("批准退款", "Approved"),
    "paid_back": (
        "已退回 {amount}，{at}。到账时间以付款渠道为准。",
        "{amount} was paid back at {at}; your bank may need a while.",
    ),
    "paying": ("{amount} 正在原路退回。", "{amount} is on its way back."),
    "came": ("收到 {n} 件", "{n} came"),
    "sent_again": ("发给您的包裹", "Parcel to you"),
    "refresh": ("正在自动审核，页面会自己更新。", "It is being checked; this page renews itself."),
    "offline": (
        "网络不好：已保存在本机，恢复后自动重发。请不要关闭页面。",
        "Weak network: it is kept in this browser and sent again by itself. Keep this page open.",
    ),
    "sending": ("正在发送…", "Sending…"),
    "resend": ("有未发完的内容，正在重发…", "Something was not sent yet, sending it again…"),
}

STEPS: Mapping[str, tuple[Both, Both]] = {
    "unpaid": (("待付款", "Waiting for payment"), ("付款后，我们马上开始备货。", "We start as soon as it is paid.")),
    "preparing": (
        ("备货中", "Being prepared"),
        ("仓库备好货后交给快递。", "The warehouse hands it to the courier next."),
    ),
    "shipped": (("运输中", "On its way"), ("快递会送到收货地址。", "The courier brings it to the address.")),
    "signed": (("已签收", "Delivered"), ("如有问题，可以申请售后。", "If something is wrong, ask for after-sales.")),
    "refunded": (("已退款", "Paid back"), ("款项已原路退回。", "The money went back the way it came.")),
    "closed": (("已关闭", "Closed"), ("订单已结束，不会再发货。", "The order has ended; nothing more is sent.")),
}
KIND_WORDS: Mapping[str, Both] = {
    CaseKind.REFUND: ("仅退款", "Refund only"),
    CaseKind.RETURN: ("退货退款", "Return and refund"),
    CaseKind.EXCHANGE: ("换货", "Exchange"),
    CaseKind.RESHIP: ("补发", "Send it again"),
    CaseKind.PRICE: ("价保", "Price protection"),
    CaseKind.COMPENSATION: ("补偿", "Compensation"),
}
KIND_HINTS: Mapping[str, Both] = {
    CaseKind.REFUND: ("不寄回商品，只退款", "Money back, nothing is sent back"),
    CaseKind.RETURN: ("寄回商品，收到后退款", "Send it back, then money back"),
    CaseKind.EXCHANGE: ("寄回商品，收到后换新", "Send it back, then get another one"),
    CaseKind.RESHIP: ("少发或丢失的商品重新发出", "What is missing is sent again"),
    CaseKind.PRICE: ("买后降价，退回差价", "It became cheaper: the difference back"),
    CaseKind.COMPENSATION: ("商品留下，补偿一部分金额", "Keep the goods, get some money back"),
}
STATE_WORDS: Mapping[str, tuple[Both, Both]] = {
    CaseState.CHECKING: (("审核中", "Being checked"), ("系统正在按售后政策核对。", "The policy is being applied.")),
    CaseState.REVIEW: (
        ("审核中", "Under review"),
        ("客服审核后会在这里告诉您结果。", "Our service decides; the result is shown here."),
    ),
    CaseState.STOPPING: (
        ("拦截发货中", "Being stopped"),
        ("仓库停止发货后退款。", "The warehouse stops it, then the money goes back."),
    ),
    CaseState.RETURNING: (
        ("待您寄回", "Waiting for your parcel"),
        ("请寄回商品，并登记运单号。", "Send the goods and note the waybill number."),
    ),
    CaseState.IN_TRANSIT: (
        ("寄回途中", "On its way to us"),
        ("仓库收到后验货。", "The warehouse looks at it when it arrives."),
    ),
    CaseState.INSPECTING: (
        ("验货中", "Being inspected"),
        ("验货完成后进入下一步。", "The next step follows the inspection."),
    ),
    CaseState.PAYING: (("退款中", "Being paid back"), ("款项会原路退回。", "The money goes back the way it came.")),
    CaseState.SHIPPING: (
        ("等待发出", "Being sent"),
        ("仓库发出后显示运单号。", "Its waybill number is shown when it has left."),
    ),
    CaseState.CLOSED: (("已结束", "Closed"), ("", "")),
}
OUTCOME_WORDS: Mapping[str, Both] = {
    Outcome.PAID: ("退款完成", "Paid back"),
    Outcome.SHIPPED: ("商品已发出", "Sent"),
    Outcome.REFUSED: ("没有通过", "Refused"),
    Outcome.WITHDRAWN: ("已撤回", "Withdrawn"),
    Outcome.EXPIRED: ("超过寄回时间，已关闭", "Closed: the parcel did not come in time"),
    Outcome.NOTHING: ("已结束，不退款", "Closed without a refund"),
}
ACTOR_WORDS: Mapping[str, Both] = {
    Actor.BUYER: ("您", "you"),
    Actor.AGENT: ("客服", "our service"),
    Actor.WAREHOUSE: ("仓库", "the warehouse"),
    Actor.COURIER: ("快递", "the courier"),
    Actor.FINANCE: ("财务", "our finance"),
    Actor.SYSTEM: ("系统", "the system"),
    Actor.NOBODY: ("无需等待", "nobody"),
}
PROGRESS_WORDS: Mapping[str, Both] = {
    "asked": ("申请", "Asked"),
    "review": ("审核", "Review"),
    "back": ("寄回", "Sent back"),
    "received": ("仓库签收", "Received"),
    "refund": ("退款", "Refund"),
    "sent": ("发出", "Sent"),
}
PARCEL_WORDS: Mapping[str, Both] = {
    ParcelState.NO_TRACE: ("已发出", "Sent"),
    ParcelState.COLLECTED: ("已揽收", "Picked up"),
    ParcelState.IN_TRANSIT: ("运输中", "On its way"),
    ParcelState.OUT_FOR_DELIVERY: ("派送中", "Out for delivery"),
    ParcelState.AT_STATION: ("已到代收点", "At the pick-up point"),
    ParcelState.SIGNED: ("已签收", "Delivered"),
    ParcelState.PROBLEM: ("异常，请联系客服", "Trouble: please ask our service"),
    ParcelState.RETURNED: ("退回中", "Going back"),
    ParcelState.FORWARDED: ("已转寄", "Forwarded"),
    ParcelState.CUSTOMS: ("清关中", "In customs"),
}
REASON_WORDS: Mapping[str, str] = {
    "no_reason": "7 days without a reason",
    "size": "Wrong size or colour",
    "damaged": "Damaged when it came",
    "defect": "Faulty",
    "wrong": "Wrong goods",
    "missing": "Something is missing",
    "late": "Too late, not wanted any more",
    "lost": "It never came",
    "cheaper": "Cheaper elsewhere",
    "changed_mind": "Ordered by mistake, not wanted",
    "other": "Another reason",
}
"""English for the reasons that are shipped, where the policy in force has none of its own."""


def pick(both: Both, language: str) -> str:
    """Give the words of a language."""
    return both[language == EN]


def say(name: str, language: str, /, **facts: object) -> str:
    """Give the words of a name, filled with facts."""
    return pick(WORDS[name], language).format(**facts)


def named(table: Mapping[str, Both], name: str, language: str) -> str:
    """Give the words for a value; one without words is shown itself."""
    return pick(table[name], language) if name in table else name
