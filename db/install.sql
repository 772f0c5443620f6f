-- What a new installation begins with. Run at each migrate; what is there already is left alone.
INSERT INTO installation (currency, cluster_identity) VALUES (:currency, cluster_identity()) ON CONFLICT DO NOTHING;

INSERT INTO ledger_account (code, kind, currency)
SELECT code, kind, :currency FROM (VALUES
    ('sandbox:inflight', 'asset'),
    ('sandbox:settled', 'asset'),
    ('promo', 'expense'),
    ('revenue:capsuls', 'income')
) AS house (code, kind)
ON CONFLICT DO NOTHING;

-- Micro-units a month.
INSERT INTO size (id, vcpus, memory_mib, disk_gib, price_month, currency)
SELECT id, vcpus, memory_mib, 25, price_month, :currency FROM (VALUES
    ('f1-xs', 1, 512, 5000000),
    ('f1-s', 1, 1024, 7500000),
    ('f1-m', 1, 2048, 12500000),
    ('f1-l', 2, 3072, 20000000),
    ('f1-x', 3, 4096, 27500000),
    ('f1-xx', 4, 8192, 50000000)
) AS original (id, vcpus, memory_mib, price_month)
WHERE NOT EXISTS (SELECT FROM size)
ON CONFLICT DO NOTHING;
