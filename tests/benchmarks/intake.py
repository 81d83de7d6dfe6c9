"""Accepted webhooks per second: the real gateway process on loopback, signed orders of an own shop.

Messages are signed and written out beforehand, so that the generator costs little while it measures. It reads every
answer; afterwards the inbox must hold exactly as many messages as were answered with 200.
"""

import asyncio
import json
import resource
import time
from dataclasses import dataclass, field
from itertools import count

from clients.clock import utc_now
from clients.embedded import free_port
from connectors.platforms.own import EVENT, KEY, SIGNATURE, TIMESTAMP, signature
from tests.benchmarks.machine import Servers, percentiles, process, process_ms
from tests.workflows.house import START, House, eventually

WARM_UP, MESSAGES, CONNECTIONS = 300, 4000, 24
PACED_PER_SECOND, PACED_SECONDS = 500, 6
AS_MANY_SECONDS = 30
"""The measure ends here, whatever has been accepted."""
ACCEPTED = b'{"accepted": true, "duplicate": false}'


@dataclass
class Load:
    """Sends messages over connections that stay open; each waits for its answer before it sends the next."""

    port: int
    took_ms: list[float] = field(default_factory=list)
    refused: int = 0
    written: "count[int]" = field(default_factory=count)

    def messages(self, many: int) -> list[bytes]:
        """Sign and write out so many new orders, as they go over the wire."""
        return [_request(next(self.written), self.port) for _ in range(many)]

    async def send(self, messages: list[bytes], per_second: float = 0) -> float:
        """Send all; paced, a message's time runs from the moment when it was due. Give the seconds it took."""
        self.took_ms.clear()
        queue = list(enumerate(messages))[::-1]
        started = time.perf_counter()

        async def connection() -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            while queue and time.perf_counter() - started < AS_MANY_SECONDS:
                n, message = queue.pop()
                due = started + n / per_second if per_second else time.perf_counter()
                if (early := due - time.perf_counter()) > 0:
                    await asyncio.sleep(early)
                writer.write(message)
                accepted = await _accepted(reader)
                self.took_ms.append((time.perf_counter() - due) * 1000)
                self.refused += not accepted
            writer.close()

        await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
        return time.perf_counter() - started


async def measure(hosts: Servers, house: House) -> dict[str, float]:
    """Send as fast as answers come, then at a fixed pace; count what is stored."""
    load = Load(free_port())
    environment = hosts.environment(OMS_GATEWAY_PORT=str(load.port))
    async with process("clients.gateway", environment, hosts.folder / "gateway.log") as gateway:
        await eventually(lambda: _listens(load.port), house.nothing)
        await load.send(load.messages(WARM_UP))
        messages, before, own = load.messages(MESSAGES), process_ms(gateway), _own_ms()
        seconds = await load.send(messages)
        sent = len(load.took_ms)
        gateway_ms, own_ms = (process_ms(gateway) - before) / sent, (_own_ms() - own) / sent
        p50, p99 = percentiles(load.took_ms)
        paced = load.messages(PACED_PER_SECOND * PACED_SECONDS)
        paced_seconds = await load.send(paced, PACED_PER_SECOND)
        paced_rate = len(load.took_ms) / paced_seconds
        paced_p50, paced_p99 = percentiles(load.took_ms)
    stored = (await house.query("SELECT count(*) AS n FROM inbox WHERE way = 'push' AND source = 'own'"))[0].n
    said = WARM_UP + sent + len(load.took_ms) - load.refused
    if load.refused or stored != said:
        raise AssertionError(f"{load.refused} refused; {said} were said to be accepted and {stored} are stored")
    return {
        "accepted_per_second": round(sent / seconds, 1),
        "p50_ms": p50,
        "p99_ms": p99,
        "connections": CONNECTIONS,
        "gateway_cpu_ms": round(gateway_ms, 2),
        "generator_cpu_ms": round(own_ms, 2),
        "paced_per_second": round(paced_rate, 1),
        "paced_p50_ms": paced_p50,
        "paced_p99_ms": paced_p99,
    }


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return False
    writer.close()
    return True


async def _accepted(reader: asyncio.StreamReader) -> bool:
    """Read one whole answer; True when it says that a new message is stored."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    body = await reader.readexactly(length)
    return head.startswith(b"http/1.1 200") and body == ACCEPTED


def _request(n: int, port: int) -> bytes:
    body = json.dumps({"order": _order(f"G{n}")}, ensure_ascii=False).encode()
    timestamp, event = utc_now().isoformat(timespec="seconds"), f"bench-{n}"
    headers = {
        "host": f"127.0.0.1:{port}",
        "content-type": "application/json",
        "content-length": str(len(body)),
        KEY: "k",
        TIMESTAMP: timestamp,
        EVENT: event,
        SIGNATURE: signature("secret", timestamp, event, body),
    }
    lines = ["POST /in/own/s HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode() + body


def _order(no: str) -> dict[str, object]:
    """Write an order of two lines, as the protocol of own shops has it."""
    at = START.isoformat()
    lines = [("1", "TEE", 2, 12000), ("2", "CAP", 1, 7800)]
    return {
        "no": no,
        "status": "paid",
        **dict.fromkeys(("updated_at", "placed_at", "paid_at"), at),
        "currency": "CNY",
        "goods_minor": 31800,
        "shop_discount_minor": 2000,
        "platform_discount_minor": 0,
        "freight_minor": 800,
        "total_minor": 30600,
        "paid_minor": 30600,
        "refunded_minor": 0,
        "lines": [
            {
                "no": n,
                "sku": sku,
                "title": "纯棉短袖 白色 均码",
                "quantity": quantity,
                "unit_minor": unit,
                "discount_minor": 0,
                "amount_minor": quantity * unit,
            }
            for n, sku, quantity, unit in lines
        ],
        "receiver": {
            "name": "欧阳修文",
            "phone": "13800138000",
            "province": "广东省",
            "city": "深圳市",
            "district": "南山区",
            "address": "科技园 1 号楼 502",
        },
    }


def _own_ms() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    return (own.ru_utime + own.ru_stime) * 1000
