-- The crowd of crowd.py, one statement per table. Values are named as in SQLAlchemy: orders, now, days.

INSERT INTO shop (vendor, code, role, zone, currency, endpoint_url, key_id, secrets_sealed, params,
    created_at)
SELECT v.vendor, 'shop' || s, 'sales', 'Asia/Shanghai', 'CNY', 'http://shop.example/', 'key', '', '{}', :now
FROM (VALUES ('own', 6), ('taobao', 4), ('douyin', 3), ('jd', 2)) v (vendor, shops), generate_series(1, v.shops) s;

INSERT INTO warehouse (code, name, province, vendor, shop, carrier, rank)
SELECT 'W' || n, 'warehouse ' || n, '广东省', 'qimen', 'wms' || n, 'SF', n FROM generate_series(1, 4) n;

INSERT INTO sku_stock (sku, title, on_hand, version, updated_at)
SELECT 'SKU-' || lpad(n::text, 5, '0'), '纯棉短袖 ' || n, 100000, 1, :now FROM generate_series(1, 3000) n;

INSERT INTO warehouse_stock (warehouse, sku, on_hand) SELECT w.code, s.sku, 25000 FROM warehouse w, sku_stock s;

WITH made AS (
    SELECT n, n::float / :orders AS age, (n::bigint * 7919) % 1000 AS r, (n::bigint * 104729) % 10007 AS r2,
        CAST(:now AS timestamptz) - n * CAST(:days AS interval) / :orders AS placed
    FROM generate_series(1, :orders) n
), lived AS (
    SELECT *, CASE
        WHEN age < 0.01 THEN CASE WHEN r < 400 THEN 'unpaid' ELSE 'paid' END
        WHEN age < 0.03 THEN CASE WHEN r < 850 THEN 'paid' ELSE 'closed' END
        WHEN age < 0.08 THEN CASE WHEN r < 900 THEN 'shipped' WHEN r < 940 THEN 'paid' ELSE 'closed' END
        WHEN age < 0.12 THEN CASE WHEN r < 900 THEN 'signed' ELSE 'shipped' END
        ELSE CASE WHEN r < 920 THEN 'completed' WHEN r < 990 THEN 'closed' WHEN r < 991 THEN 'paid'
            WHEN r < 993 THEN 'shipped' ELSE 'completed' END
        END AS status,
        CASE WHEN r2 % 10 < 5 THEN 'taobao' WHEN r2 % 10 < 8 THEN 'douyin' WHEN r2 % 10 < 9 THEN 'own'
            ELSE 'jd' END AS channel
    FROM made
), named AS (
    SELECT *, 'shop' || 1 + r2 % CASE channel WHEN 'own' THEN 6 WHEN 'taobao' THEN 4 WHEN 'douyin' THEN 3 ELSE 2 END
        AS shop, to_char(placed, 'YYMMDD') || lpad(n::text, 10, '0') AS no,
        status IN ('paid', 'shipped') AND r2 % 37 = 0 AS is_stuck, 1000 + r2 AS total
    FROM lived
)
INSERT INTO orders (key, channel, shop, no, status, payment_status, logistics_status, channel_status, raw_status,
    channel_time, currency, goods_minor, total_minor, paid_minor, placed_at, paid_at, ship_by, shipped_at, signed_at,
    completed_at, closed_at, close_reason, buyer_index, wait_for, wait_since, wait_until, stuck, stuck_reason,
    hold_reason, started_at, created_at)
SELECT channel || ':' || shop || ':' || no, channel, shop, no, status,
    CASE WHEN status = 'unpaid' THEN 'unpaid' ELSE 'paid' END,
    CASE status WHEN 'paid' THEN 'pushed' WHEN 'unpaid' THEN 'none' WHEN 'closed' THEN 'cancelled'
        WHEN 'shipped' THEN 'shipped' ELSE 'signed' END,
    CASE status WHEN 'closed' THEN 'cancelled' ELSE status END, upper(status), placed, 'CNY', total, total,
    CASE WHEN status = 'unpaid' THEN 0 ELSE total END, placed,
    CASE WHEN status <> 'unpaid' THEN placed + interval '5 min' END,
    CASE WHEN status NOT IN ('unpaid', 'closed') THEN placed + interval '48 h' END,
    CASE WHEN status IN ('shipped', 'signed', 'completed') THEN placed + interval '20 h' END,
    CASE WHEN status IN ('signed', 'completed') THEN placed + interval '70 h' END,
    CASE WHEN status = 'completed' THEN placed + interval '120 h' END,
    CASE WHEN status = 'completed' THEN placed + interval '120 h' WHEN status = 'closed' THEN placed + interval '1 h'
        END, CASE WHEN status = 'closed' THEN 'unpaid' ELSE '' END, md5('buyer' || r2),
    CASE WHEN is_stuck THEN 'operator' WHEN status = 'unpaid' THEN 'payment'
        WHEN status = 'paid' THEN CASE WHEN r2 % 3 = 0 THEN 'warehouse' ELSE 'shipment' END
        WHEN status = 'shipped' THEN 'signature' WHEN status = 'signed' THEN 'settlement' ELSE 'nothing' END,
    placed + interval '6 min',
    CASE WHEN is_stuck THEN NULL WHEN status = 'unpaid' THEN placed + interval '30 min'
        WHEN status = 'paid' THEN placed + interval '48 h' WHEN status = 'shipped' THEN placed + interval '15 days'
        WHEN status = 'signed' THEN placed + interval '118 h' END,
    is_stuck, CASE WHEN NOT is_stuck THEN '' ELSE (ARRAY['out of stock: SKU-00001', 'to be reviewed: twin order',
        'qimen/wms1 refused: no such item', 'held: the buyer asked'])[1 + r2 % 4] END,
    CASE WHEN is_stuck AND r2 % 4 IN (1, 3) THEN 'looked at' ELSE '' END, placed, placed
FROM named;

INSERT INTO order_line (order_key, line_no, sku, title, quantity, unit_minor, amount_minor)
SELECT key, l::text, 'SKU-' || lpad((1 + (total_minor * 31 + l * 7) % 3000)::text, 5, '0'), '纯棉短袖 白色 均码', 1,
    total_minor / 2, total_minor / 2
FROM orders, generate_series(1, 1 + (total_minor % 3)::int) l;

INSERT INTO contact (order_key, form, province, city, district, phone_index)
SELECT key, CASE channel WHEN 'own' THEN 'plain' ELSE 'masked' END,
    (ARRAY['广东省', '浙江省', '江苏省', '山东省', '四川省', '新疆维吾尔自治区'])[1 + (total_minor % 6)::int], '广州市',
    '白云区', CASE channel WHEN 'own' THEN md5('phone' || total_minor) ELSE '' END
FROM orders;

INSERT INTO fulfillment (no, order_key, warehouse, carrier, state, stage, wms_ref, created_at, sent_at, pushed_at,
    shipped_at)
SELECT no || '-1', key, 'W' || 1 + total_minor % 4, 'SF', CASE WHEN shipped_at IS NULL THEN 'pushed' ELSE 'shipped' END,
    'PICK', 'R' || no, paid_at, paid_at, paid_at + interval '1 min', shipped_at
FROM orders WHERE status IN ('paid', 'shipped', 'signed', 'completed');

INSERT INTO reservation (order_key, line_no, sku, quantity, state, expires_at, created_at)
SELECT key, line_no, sku, quantity, CASE WHEN status = 'unpaid' THEN 'open' ELSE 'allocated' END,
    placed_at + interval '30 min', placed_at
FROM orders JOIN order_line ON order_key = key WHERE closed_at IS NULL;

INSERT INTO allocation (fulfillment_no, line_no, order_key, warehouse, sku, quantity, shipped, state, created_at)
SELECT f.no, l.line_no, l.order_key, f.warehouse, l.sku, l.quantity, CASE f.state WHEN 'shipped' THEN l.quantity ELSE 0
    END, CASE f.state WHEN 'shipped' THEN 'consumed' ELSE 'open' END, f.created_at
FROM fulfillment f JOIN order_line l USING (order_key);

INSERT INTO process_report (fulfillment_no, stage, reported_at)
SELECT f.no, s.stage, f.pushed_at + s.n * interval '1 h'
FROM fulfillment f, unnest(ARRAY['ACCEPT', 'PICK', 'PACKAGE']) WITH ORDINALITY s (stage, n)
WHERE f.created_at > CAST(:now AS timestamptz) - interval '20 days';

INSERT INTO parcel (carrier, waybill_no, fulfillment_no, order_key, confirm_id, items, state, shipped_at, signed_at,
    next_query_at)
SELECT 'SF', 'SF' || o.no, o.no || '-1', o.key, 'c1', '[]', CASE WHEN o.signed_at IS NULL THEN 'in_transit'
    ELSE 'signed' END, o.shipped_at, o.signed_at, o.shipped_at
FROM orders o WHERE o.shipped_at IS NOT NULL;

INSERT INTO trace (carrier, waybill_no, at, text_index, location, raw_code)
SELECT 'SF', waybill_no, shipped_at + n * interval '4 h', 't' || n, '广州市', n::text
FROM parcel, generate_series(1, 8) n WHERE shipped_at > CAST(:now AS timestamptz) - interval '12 days';

INSERT INTO audit (at, actor, action, subject, detail, inbox_id)
SELECT o.placed_at + a.n * interval '1 h', 'order', a.action, o.key, '{}', a.n
FROM orders o, unnest(ARRAY['order.accepted', 'order.planned', 'fulfillment.pushed', 'shipment.booked', 'order.signed'])
    WITH ORDINALITY a (action, n)
WHERE a.n <= CASE o.status WHEN 'unpaid' THEN 1 WHEN 'closed' THEN 2 WHEN 'paid' THEN 3 WHEN 'shipped' THEN 4 ELSE 5 END;

INSERT INTO alert (key, kind, level, subject, words, raised_at, cleared_at)
SELECT k.kind || ':' || o.key, k.kind, k.level, o.key, 'look at it', o.placed_at + interval '1 h',
    CASE WHEN o.stuck THEN NULL ELSE o.placed_at + interval '2 h' END
FROM orders o, (VALUES ('stuck', '2-warning'), ('ship_by_2', '1-critical')) k (kind, level)
WHERE o.stuck OR o.total_minor % 50 = 0;

INSERT INTO inbox (source, shop, key, way, headers, raw_sealed, received_at, state, reason)
SELECT channel, shop, no || ':' || n, CASE n WHEN 1 THEN 'push' ELSE 'pull' END, '{}', '', placed_at + n * interval '1 s',
    CASE WHEN total_minor % 5003 = 0 THEN 'unparsable' ELSE 'accepted' END, ''
FROM orders, generate_series(1, 2) n;

INSERT INTO observation (inbox_id, part, kind, subject, lane, body_sealed, state, next_at, applied_at)
SELECT id, 0, 'order', source || ':' || shop || ':' || split_part(key, ':', 1), id % 3, '',
    CASE WHEN id % 1009 = 0 THEN 'failed' WHEN id % 211 = 0 THEN 'new' ELSE 'applied' END, received_at, received_at
FROM inbox;

INSERT INTO unverified (source, shop, headers, request_sealed, raw_sealed, size_bytes, received_at, reason)
SELECT 'taobao', 'shop1', '{}', '', '', 500, CAST(:now AS timestamptz) - n * interval '1 min', 'signature does not match'
FROM generate_series(1, 2000) n;

INSERT INTO delivery (order_key, event, lane, created_at, attempts, delivered_at, result)
SELECT key, CASE status WHEN 'unpaid' THEN 'placed' ELSE 'paid' END, 0, created_at, 1,
    CASE WHEN total_minor % 997 > 0 THEN created_at + interval '1 s' END, 'started'
FROM orders;

INSERT INTO outgoing (kind, vendor, shop, key, order_key, payload, state, attempts, next_at, created_at, done_at)
SELECT k.kind, CASE k.kind WHEN 'subscribe' THEN 'kdniao' ELSE o.channel END,
    CASE k.kind WHEN 'subscribe' THEN 'bird' ELSE o.shop END, k.kind || ':' || o.key, o.key, '{}', s.state, 1, o.shipped_at,
    o.shipped_at, CASE WHEN s.state <> 'new' THEN o.shipped_at + interval '1 min' END
FROM orders o, (VALUES ('subscribe'), ('writeback')) k (kind), LATERAL (
    SELECT CASE WHEN o.stuck THEN 'refused' WHEN o.total_minor % 499 = 0 THEN 'new' ELSE 'done' END AS state) s
WHERE o.shipped_at IS NOT NULL;
