-- name: balance
-- Micro-units: all wallets, the gift wallet, and what has accrued and is not posted yet.
SELECT coalesce(sum(l.balance), 0)::bigint AS balance,
       coalesce(sum(l.balance) FILTER (WHERE l.code LIKE '%:gift'), 0)::bigint AS gift,
       (SELECT currency FROM installation) AS currency,
       (SELECT coalesce(sum(usage_cost(s.price_month, s.used_seconds, s.started_at, coalesce(s.ended_at, capsul_now()))
                            - s.charged), 0)::bigint
        FROM price_segment AS s
        WHERE s.account_id = $1 AND (s.ended_at IS NULL OR s.charged_through < s.ended_at)) AS accrued,
       capsul_now() AS now
FROM ledger_account AS l WHERE l.account_id = $1 AND l.kind = 'wallet'

-- name: open_segments
SELECT capsul_id, price_month, billed_seconds_this_month(used_seconds, started_at, capsul_now()) AS billed_seconds
FROM price_segment WHERE account_id = $1 AND ended_at IS NULL

-- name: committed_burn
-- Micro-units a month for everything that costs, or will once it is ready.
SELECT coalesce(sum(price_month), 0)::bigint FROM capsul
WHERE account_id = $1 AND ended_at IS NULL AND desired <> 'destroyed' AND state <> 'held'

-- name: take_turns
-- Requests that spend of one account wait here for each other.
SELECT pg_advisory_xact_lock(hashtextextended('spend:' || $1::uuid, 0))

-- name: entries
-- Newest first, as the owner of the wallets sees them; ids below the fourth parameter, when it is not null.
-- A transfer keeps what was on its own wallet after it. What was on all of them is counted back from the newest of the
-- page: there, a wallet holds what its last transfer within the page left on it, or else the last one before.
WITH RECURSIVE page AS (
    -- Step by step down the index: asked for many at once, the planner may sort all that an account ever had.
    (SELECT it AS posting, 1 AS number FROM transfer AS it
     WHERE account_id = $1 AND ($2::timestamptz IS NULL OR event_at >= $2) AND ($4::bigint IS NULL OR id < $4)
     ORDER BY id DESC LIMIT 1)
    UNION ALL
    SELECT next.it, page.number + 1 FROM page CROSS JOIN LATERAL (
        SELECT it FROM transfer AS it
        WHERE account_id = $1 AND ($2::timestamptz IS NULL OR event_at >= $2) AND id < (page.posting).id
        ORDER BY id DESC LIMIT 1) AS next
    WHERE page.number < $3
), ends AS MATERIALIZED (
    SELECT min((posting).id) AS oldest, max((posting).id) AS newest FROM page
), posted AS (
    SELECT (posting).* FROM page
    UNION ALL
    -- What was posted late is older than its neighbours, and moved the balance between them all the same.
    -- The sum keeps the planner from walking through the ids of everybody.
    SELECT late.* FROM ends CROSS JOIN transfer AS late
    WHERE $2::timestamptz IS NOT NULL AND account_id = $1 AND event_at < $2 AND id + 0 BETWEEN oldest AND newest
), line AS MATERIALIZED (
    SELECT t.id, t.event_at AS at, t.kind, CASE WHEN w.id = t.credit_id THEN t.amount ELSE -t.amount END AS amount,
           w.id AS wallet_id, split_part(w.code, ':', 3) AS wallet,
           CASE WHEN w.id = t.credit_id THEN t.credit_balance ELSE t.debit_balance END AS balance,
           t.currency, t.reference, t.note
    FROM posted AS t JOIN ledger_account AS w ON w.id IN (t.debit_id, t.credit_id) AND w.account_id = $1
), held AS MATERIALIZED (
    SELECT sum(coalesce(
        (SELECT balance FROM line WHERE wallet_id = w.id ORDER BY id DESC LIMIT 1),
        (SELECT balance FROM (
            (SELECT id, debit_balance AS balance FROM transfer
             WHERE debit_id = w.id AND debit_version IS NOT NULL AND id < (SELECT oldest FROM ends)
             ORDER BY debit_version DESC LIMIT 1)
            UNION ALL
            (SELECT id, credit_balance FROM transfer
             WHERE credit_id = w.id AND credit_version IS NOT NULL AND id < (SELECT oldest FROM ends)
             ORDER BY credit_version DESC LIMIT 1)) AS last_before
         ORDER BY id DESC LIMIT 1),
        0)) AS total
    FROM ledger_account AS w WHERE w.account_id = $1 AND w.kind = 'wallet'
), counted AS (
    SELECT line.*, (SELECT total FROM held) - sum(amount) OVER (ORDER BY id DESC) + sum(amount) OVER (PARTITION BY id) AS total
    FROM line
)
SELECT l.id, l.at, l.kind, l.amount, l.wallet, l.balance, l.total::bigint AS total, l.currency, l.reference, l.note,
       coalesce(c.name, 'topup by ' || topup.provider, '') AS about
FROM counted AS l
LEFT JOIN capsul AS c ON c.id = l.reference AND c.account_id = $1
LEFT JOIN topup ON topup.id = l.reference AND topup.account_id = $1
WHERE $2::timestamptz IS NULL OR l.at >= $2
ORDER BY l.id DESC

-- name: post
-- Returns the transfer's id: the first one's, if the key was used before for the same.
SELECT post_transfer($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)

-- name: broken_invariants
-- One sentence for each thing that must hold and does not.
SELECT 'wallet ' || w.code || ' holds ' || w.balance || ', its transfers add up to ' || coalesce(s.total, 0) AS broken
FROM ledger_account AS w
LEFT JOIN (SELECT side.id, sum(side.amount) AS total FROM transfer AS t,
               LATERAL (VALUES (t.credit_id, t.amount), (t.debit_id, -t.amount)) AS side (id, amount) GROUP BY side.id) AS s
    ON s.id = w.id
WHERE w.kind = 'wallet' AND w.balance <> coalesce(s.total, 0)
UNION ALL
SELECT 'wallet ' || w.code || ' is at version ' || w.version || ' after ' || count(v.version) || ' transfers'
FROM ledger_account AS w
LEFT JOIN (SELECT debit_id AS id, debit_version AS version FROM transfer
           UNION ALL SELECT credit_id, credit_version FROM transfer) AS v ON v.id = w.id
WHERE w.kind = 'wallet' GROUP BY w.id
HAVING w.version <> count(v.version) OR w.version <> coalesce(max(v.version), 0) OR count(DISTINCT v.version) <> count(v.version)
UNION ALL
SELECT 'topup ' || p.id || ' is credited with ' || p.credited || ', the books say ' || coalesce(b.total, 0)
FROM topup AS p
LEFT JOIN (SELECT t.reference, sum(CASE WHEN w.id = t.credit_id THEN t.amount ELSE -t.amount END) AS total
           FROM transfer AS t JOIN ledger_account AS w ON w.kind = 'wallet' AND w.id IN (t.debit_id, t.credit_id)
           WHERE t.kind IN ('topup', 'topup reversed') GROUP BY t.reference) AS b ON b.reference = p.id
WHERE p.credited <> coalesce(b.total, 0)
UNION ALL
SELECT 'topup ' || p.id || ' is ' || p.state || ' and ' || b.held || ' of it is in flight'
FROM topup AS p JOIN (
    SELECT t.reference, sum(CASE WHEN a.id = t.debit_id THEN t.amount ELSE -t.amount END) AS held
    FROM transfer AS t JOIN ledger_account AS a ON a.id IN (t.debit_id, t.credit_id) AND a.code LIKE '%:inflight'
    GROUP BY t.reference) AS b ON b.reference = p.id
WHERE b.held <> CASE WHEN p.state = 'unconfirmed' THEN p.credited ELSE 0 END
UNION ALL
SELECT 'transfer ' || t.id || ' mixes currencies'
FROM transfer AS t JOIN ledger_account AS a ON a.id IN (t.debit_id, t.credit_id) WHERE a.currency <> t.currency
UNION ALL
SELECT 'segment ' || s.id || ' of ' || s.capsul_id || ' was charged ' || s.charged || ' for more than it cost'
FROM price_segment AS s
WHERE s.charged > usage_cost(s.price_month, s.used_seconds, s.started_at, coalesce(s.ended_at, capsul_now()))
