"""The warehouse system's front door: the ERP's methods, answered as the vendor does. Owns no stock."""

from collections.abc import Callable, Mapping
from xml.etree.ElementTree import Element

from simulator import qimen
from simulator.clock import now, stamp
from simulator.inwards import Inwards
from simulator.qimen import Node, Refused, required, text
from simulator.qimen_create import CONDITIONS, read_delivery
from simulator.qimen_entries import read_entry
from simulator.qimen_reports import delivery_node, line_nodes, package_nodes
from simulator.qimen_returns import RETURN_TYPES, answer, read_return
from simulator.seeds import Lots
from simulator.settings import Wms
from simulator.tally import Tally
from simulator.warehouse import Warehouse

MOST_PER_PAGE = 100


class QimenService:
    """Answers /router/qimen/service."""

    def __init__(self, settings: Wms, warehouse: Warehouse, inwards: Inwards, tally: Tally, limits: Lots) -> None:
        self._settings = settings
        self._limits = limits
        self._warehouse = warehouse
        self._picking = inwards.picking
        self._inwards = inwards
        self._tally = tally
        self._methods: dict[str, Callable[[Element], Node]] = {
            "deliveryorder.create": self._create,
            "deliveryorder.query": self._query,
            "order.cancel": self._cancel,
            "order.pending": self._pending,
            "inventory.query": self._inventory,
            "entryorder.create": self._announce,
            "returnorder.create": self._announce_return,
            "returnorder.query": self._query_return,
        }

    def answer(self, params: Mapping[str, str], body: bytes) -> bytes:
        """Answer one signed call."""
        try:
            method = qimen.verify(self._settings, params, body, now())
            if method not in self._methods:
                raise Refused("isv.invalid-method", "the method is not offered")
            if self._limits.draw():
                self._tally.faults["wms_limited"] += 1
                return qimen.too_many_calls()
            return qimen.success(self._methods[method](qimen.read(body)))
        except Refused as refused:
            self._tally.faults[f"wms_answered_{refused.code}"] += 1
            return qimen.failure(refused)

    def _create(self, root: Element) -> Node:
        fulfilment, fresh = self._warehouse.create(read_delivery(root, self._settings))
        if fresh:
            self._picking.begin(fulfilment)
        return {"deliveryOrderId": fulfilment.id, "createTime": stamp(fulfilment.created_at)}

    def _cancel(self, root: Element) -> Node:
        self._check_warehouse(root)
        code = required(root, "orderCode")
        if text(root, "orderType") not in RETURN_TYPES or not self._inwards.returns.cancel(code):
            self._warehouse.cancel(code)
        return {}

    def _pending(self, root: Element) -> Node:
        self._check_warehouse(root)
        action = required(root, "actionType")
        if action not in ("pending", "restore"):
            raise Refused("isv.invalid-parameter", "actionType must be pending or restore")
        self._warehouse.hold(required(root, "orderCode"), pending=action == "pending")
        return {}

    def _query(self, root: Element) -> Node:
        fulfilment = self._warehouse.find(required(root, "orderCode"))
        page, size = _whole(root, "page", 1), min(_whole(root, "pageSize", MOST_PER_PAGE), MOST_PER_PAGE)
        shipped = {line.no: 0 for line in fulfilment.delivery.lines}
        for package in fulfilment.packages:
            for line_no, quantity in package.units.items():
                shipped[line_no] += quantity
        lines = line_nodes(fulfilment, shipped, self._settings.owner)
        return {
            "totalLines": len(lines),
            "deliveryOrder": delivery_node(fulfilment, self._settings.warehouse),
            "packages": {"package": package_nodes(fulfilment, fulfilment.packages)},
            "orderLines": {"orderLine": lines[(page - 1) * size : page * size]},
        }

    def _announce(self, root: Element) -> Node:
        code = required(root, "entryOrder/entryOrderCode")
        entry = self._inwards.accept(read_entry(root, self._settings, self._inwards.entry_id(code)))
        return {"entryOrderId": entry.id}

    def _announce_return(self, root: Element) -> Node:
        returns = self._inwards.returns
        code = required(root, "returnOrder/returnOrderCode")
        return {"returnOrderId": returns.accept(read_return(root, self._settings, returns.return_id(code))).id}

    def _query_return(self, root: Element) -> Node:
        if required(root, "ownerCode") != self._settings.owner:
            raise Refused("isv.invalid-parameter", "ownerCode is not known")
        return answer(self._inwards.returns.find(required(root, "returnOrderCode")), self._settings)

    def _inventory(self, root: Element) -> Node:
        criteria = root.findall("criteriaList/criteria")
        if not criteria:
            raise Refused("isv.missing-parameter", "criteriaList/criteria is missing")
        if len(criteria) > MOST_PER_PAGE:
            raise Refused("isv.invalid-parameter", f"criteriaList holds more than {MOST_PER_PAGE} criteria")
        return {"items": {"item": [node for one in criteria for node in self._items(one)]}}

    def _items(self, criteria: Element) -> list[Node]:
        sku, condition = required(criteria, "itemCode"), text(criteria, "inventoryType")
        if condition and condition not in CONDITIONS:
            raise Refused("isv.invalid-parameter", "inventoryType is not known")
        for name, known in (("warehouseCode", self._settings.warehouse), ("ownerCode", self._settings.owner)):
            if text(criteria, name) not in ("", known):
                raise Refused("isv.invalid-parameter", f"criteria/{name} is not known")
        warehouse = self._warehouse
        keys = [key for key in warehouse.stock if key[0] == sku and condition in ("", key[1])]
        return [
            {
                "warehouseCode": self._settings.warehouse,
                "itemCode": sku,
                "inventoryType": key[1],
                "quantity": warehouse.stock[key] - warehouse.locked[key],
                "lockQuantity": warehouse.locked[key],
            }
            for key in keys
        ]

    def _check_warehouse(self, root: Element) -> None:
        if required(root, "warehouseCode") not in (self._settings.warehouse, "OTHER"):
            raise Refused("isv.invalid-parameter", "warehouseCode is not known")


def _whole(root: Element, name: str, default: int) -> int:
    value = text(root, name)
    if not value:
        return default
    if not (value.isascii() and value.isdigit()) or int(value) < 1:
        raise Refused("isv.invalid-parameter", f"{name} must be a whole number from 1")
    return int(value)
