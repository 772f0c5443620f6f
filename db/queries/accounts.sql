-- name: with_address
SELECT a.id, a.state, e.address AS email, a.created_at
FROM account AS a JOIN email_address AS e ON e.account_id = a.id AND e.is_primary
WHERE a.id = $1

-- name: state
SELECT state FROM account WHERE id = $1

-- name: now
SELECT capsul_now()

-- name: write_audit
INSERT INTO audit (account_id, actor, fingerprint, session_id, source, action, target, reason)
VALUES ($1, $2, $3, $4, $5::text::inet, $6, $7, $8)

-- name: audit_of
-- Newest first; of all accounts when the first parameter is null.
SELECT id, at, account_id, actor, fingerprint, session_id, host(source) AS source, action, target, reason
FROM audit
WHERE ($1::uuid IS NULL OR account_id = $1) AND ($2::timestamptz IS NULL OR at >= $2)
ORDER BY id DESC LIMIT $3

-- name: lock_by_token
SELECT lock_account_by_token($1)

-- name: lock_token_is_good
SELECT lock_token_is_good($1)

-- name: mail_account
SELECT mail_account($1, $2, $3)

-- name: search
-- For operators: by a part of an address or of an id.
SELECT a.id, a.state, coalesce(e.address, '') AS email, a.created_at,
       (SELECT count(*) FROM capsul AS c WHERE c.account_id = a.id AND c.ended_at IS NULL) AS capsuls,
       coalesce((SELECT sum(l.balance) FROM ledger_account AS l WHERE l.account_id = a.id), 0)::bigint AS balance,
       (SELECT currency FROM installation) AS currency
FROM account AS a LEFT JOIN email_address AS e ON e.account_id = a.id AND e.is_primary
WHERE $1 = '' OR strpos(lower(e.normalised), lower($1)) > 0 OR strpos(a.id::text, lower($1)) > 0
ORDER BY a.created_at DESC, a.id LIMIT $2

-- name: summary
-- For operators: one account, as in the list of them.
SELECT a.id, a.state, coalesce(e.address, '') AS email, a.created_at,
       (SELECT count(*) FROM capsul AS c WHERE c.account_id = a.id AND c.ended_at IS NULL) AS capsuls,
       coalesce((SELECT sum(l.balance) FROM ledger_account AS l WHERE l.account_id = a.id), 0)::bigint AS balance,
       (SELECT currency FROM installation) AS currency
FROM account AS a LEFT JOIN email_address AS e ON e.account_id = a.id AND e.is_primary
WHERE a.id = $1

-- name: by_address_or_id
SELECT account_id FROM email_address WHERE normalised = lower($1)
UNION ALL
SELECT id FROM account
WHERE id = CASE WHEN lower($1) ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN lower($1)::uuid END
LIMIT 1

-- name: set_state
UPDATE account SET state = $2 WHERE id = $1 AND state <> 'closed' RETURNING id

-- name: announce
INSERT INTO announcement (text) VALUES ($1) RETURNING id, text, created_at, ends_at

-- name: announcements
SELECT id, text, created_at, ends_at FROM announcement
WHERE ends_at IS NULL OR ends_at > capsul_now() ORDER BY id DESC LIMIT 20

-- name: all_announcements
-- Those that have ended too.
SELECT id, text, created_at, ends_at FROM announcement ORDER BY id DESC LIMIT $1

-- name: end_announcement
-- No row when there is none, or it has ended.
UPDATE announcement SET ends_at = capsul_now() WHERE id = $1 AND (ends_at IS NULL OR ends_at > capsul_now())
RETURNING id, text, created_at, ends_at

-- name: make_account
-- From the host's shell only: members come by enrolment.
INSERT INTO account (terms_version) VALUES ($1) RETURNING id

-- name: make_address
INSERT INTO email_address (account_id, address, normalised, is_primary) VALUES ($1, $2, $3, true)

-- name: open_wallets
SELECT open_wallets($1)
