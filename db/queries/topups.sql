-- name: by_id
SELECT id, account_id, link, provider, state, amount, credited, currency, created_at, settled_at FROM topup WHERE id = $1

-- name: of_account
SELECT id, account_id, link, provider, state, amount, credited, currency, created_at, settled_at
FROM topup WHERE account_id = $1 AND ($2::timestamptz IS NULL OR created_at >= $2)
ORDER BY created_at DESC, id LIMIT $3

-- name: by_idempotency_key
SELECT id, request_hash FROM topup WHERE account_id = $1 AND idempotency_key = $2

-- name: insert
INSERT INTO topup (account_id, provider, currency, amount, idempotency_key, request_hash)
SELECT $1, $2, currency, $3, $4, $5 FROM installation
RETURNING id, account_id, link, provider, state, amount, credited, currency, created_at, settled_at

-- name: by_link
SELECT $1 AS link, provider, state, amount, credited, currency, created_at FROM topup_by_link($1)

-- name: press_sandbox
SELECT press_sandbox($1, $2)

-- name: claim
-- The lock is the claim: nobody else converges this topup until the transaction ends.
UPDATE topup SET fence = fence + 1 WHERE id = $1
RETURNING id, account_id, provider, amount, credited, postings, sync_wanted, state, fence

-- name: sandbox_state
SELECT coalesce((SELECT state FROM sandbox_checkout WHERE topup_id = $1), 'open')

-- name: unconfirmed_elsewhere
-- Micro-units that stand on the account's wallet for other topups that are not confirmed.
SELECT coalesce(sum(credited), 0)::bigint FROM topup WHERE account_id = $1 AND state = 'unconfirmed' AND id <> $2

-- name: inflight
-- Micro-units of this topup that stand against the provider's inflight account, by the books.
SELECT coalesce(sum(CASE WHEN a.id = t.debit_id THEN t.amount ELSE -t.amount END), 0)::bigint
FROM transfer AS t JOIN ledger_account AS a ON a.id IN (t.debit_id, t.credit_id)
WHERE t.reference = $1 AND a.code = $2

-- name: ever_settled
-- Micro-units of this account's topups that have settled, ever.
SELECT coalesce(sum(credited), 0)::bigint FROM topup WHERE account_id = $1 AND state = 'paid'

-- name: rewound
-- Whether unconfirmed money of this account ever turned out to be none.
-- For ever: a topup that is paid after all does not undo it.
SELECT EXISTS (SELECT FROM transfer WHERE account_id = $1 AND kind = 'topup reversed')

-- name: converged
-- Refused (no row) when somebody claimed it since.
UPDATE topup SET state = $3, credited = $4::bigint, refundable = CASE WHEN $3 = 'paid' THEN $4::bigint ELSE 0 END, postings = $5,
    sync_done = $6, settled_at = CASE WHEN $3 = 'paid' THEN coalesce(settled_at, capsul_now()) ELSE settled_at END
WHERE id = $1 AND fence = $2 RETURNING sync_wanted > sync_done AS more

-- name: in_trouble
-- What does not come right by itself, the longest first: `what` is the first of its troubles.
SELECT p.id, p.account_id, p.link, p.provider, p.state, p.amount, p.credited, p.currency, p.created_at, p.settled_at,
       coalesce(e.address, '') AS email, found.what, found.since
FROM topup AS p
LEFT JOIN email_address AS e ON e.account_id = p.account_id AND e.is_primary
JOIN ledger_account AS paid ON paid.code = 'wallet:' || p.account_id || ':paid'
CROSS JOIN LATERAL (
    SELECT 'credited for nothing', p.state_since WHERE p.state IN ('failed', 'expired') AND p.credited <> 0
    UNION ALL
    SELECT 'owed', p.state_since WHERE p.state = 'reversed' AND paid.balance < 0
    UNION ALL
    SELECT 'news', coalesce(p.news_since, p.created_at) WHERE p.sync_wanted > p.sync_done
    UNION ALL
    SELECT 'unconfirmed', p.state_since WHERE p.state = 'unconfirmed'
) AS found (what, since)
WHERE (p.sync_wanted > p.sync_done OR p.state IN ('unconfirmed', 'reversed', 'failed', 'expired'))
  AND found.since <= capsul_now() - CASE found.what WHEN 'news' THEN interval '5 minutes'
                                                   WHEN 'unconfirmed' THEN interval '2 hours' ELSE '0' END
ORDER BY found.since, p.id LIMIT $1

-- name: enqueue
SELECT enqueue('topup', $1)

-- name: with_news
-- Topups with news that no job has come for: a job was lost.
SELECT id FROM topup WHERE sync_wanted > sync_done
