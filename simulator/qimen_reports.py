"""What the warehouse writes to the ERP: process reports and confirmations. Owns the documents' shape only."""

from collections import Counter
from collections.abc import Mapping, Sequence

from simulator.clock import now, stamp
from simulator.qimen import Node, document
from simulator.seeds import rng
from simulator.settings import Wms
from simulator.warehouse import Fulfilment, Package

CARRIER_NAMES = {
    "SF": "顺丰速运",
    "YTO": "圆通速递",
    "ZTO": "中通快递",
    "STO": "申通快递",
    "YUNDA": "韵达快递",
    "JD": "京东物流",
    "EMS": "EMS标准快递",
    "POSTB": "邮政包裹",
    "HTKY": "极兔速递",
}
STAGE_INFO = {
    "ACCEPT": "仓库接单",
    "PRINT": "打印面单",
    "PICK": "拣货完成",
    "CHECK": "复核完成",
    "PACKAGE": "打包完成",
    "WEIGH": "称重完成",
}


def process_report(fulfilment: Fulfilment, stage: str, settings: Wms) -> bytes:
    """Write orderprocess.report for one stage."""
    order = {
        "orderCode": fulfilment.delivery.code,
        "orderId": fulfilment.id,
        "orderType": fulfilment.delivery.order_type,
        "warehouseCode": settings.warehouse,
        "ownerCode": settings.owner,
    }
    process = {
        "processStatus": stage,
        "operatorCode": "W001",
        "operatorName": "仓库作业员",
        "operateTime": stamp(now()),
        "operateInfo": STAGE_INFO[stage],
    }
    return document("request", {"order": order, "process": process})


def confirmation(
    fulfilment: Fulfilment, packages: list[Package], settings: Wms, *, out_biz_code: str, final: bool
) -> bytes:
    """Write deliveryorder.confirm for the packages that leave now; quantities are those of this confirm."""
    actual: Counter[str] = Counter()
    for package in packages:
        actual.update(package.units)
    order: dict[str, str | int] = {
        **delivery_node(fulfilment, settings.warehouse),
        "outBizCode": out_biz_code,
        "confirmType": 0 if final else 1,
        "logisticsCode": packages[0].carrier,
        "expressCode": packages[0].waybill,
    }
    node: Node = {
        "deliveryOrder": order,
        "packages": {"package": package_nodes(fulfilment, packages)},
        "orderLines": {"orderLine": line_nodes(fulfilment, actual, settings.owner)},
    }
    return document("request", node)


def delivery_node(fulfilment: Fulfilment, warehouse_code: str) -> dict[str, str | int]:
    """Write the head that confirm and query have in common."""
    moment = stamp(now())
    node: dict[str, str | int] = {
        "deliveryOrderCode": fulfilment.delivery.code,
        "deliveryOrderId": fulfilment.id,
        "warehouseCode": warehouse_code,
        "orderType": fulfilment.delivery.order_type,
        "status": fulfilment.status,
        "operatorCode": "W001",
        "operatorName": "仓库作业员",
        "operateTime": moment,
    }
    if fulfilment.status == "DELIVERED":
        node["orderConfirmTime"] = moment
    return node


def package_nodes(fulfilment: Fulfilment, packages: Sequence[Package]) -> list[Node]:
    skus = {line.no: line.sku for line in fulfilment.delivery.lines}
    return [_package_node(package, skus) for package in packages]


def _package_node(package: Package, skus: Mapping[str, str]) -> Node:
    source = rng(0, "box", package.waybill)
    length, width, height = (source.randint(12, 48) for _ in range(3))
    items: list[Node] = [
        {"itemCode": skus[line_no], "itemId": _item_id(skus[line_no]), "quantity": quantity}
        for line_no, quantity in package.units.items()
    ]
    return {
        "logisticsCode": package.carrier,
        "logisticsName": CARRIER_NAMES.get(package.carrier, package.carrier),
        "expressCode": package.waybill,
        "packageCode": f"P{package.waybill}",
        "length": f"{length}.00",
        "width": f"{width}.00",
        "height": f"{height}.00",
        "weight": f"{source.uniform(0.2, 6.0):.4f}",  # the platform writes kilograms with four decimals
        "volume": f"{length * width * height / 1000:.2f}",
        "items": {"item": items},
    }


def line_nodes(fulfilment: Fulfilment, actual: Mapping[str, int], owner: str) -> list[Node]:
    """Write the lines of which something is in `actual` (units by line number), 0 included."""
    return [
        {
            "orderLineNo": line.no,
            "orderSourceCode": line.source_order,
            "itemCode": line.sku,
            "itemId": _item_id(line.sku),
            "inventoryType": line.condition,
            "ownerCode": owner,
            "planQty": line.quantity,
            "actualQty": actual[line.no],
        }
        for line in fulfilment.delivery.lines
        if line.no in actual
    ]


def _item_id(sku: str) -> str:
    """Give the warehouse's own id of an item."""
    return f"W{rng(0, 'item', sku).randrange(10**8):08d}"
