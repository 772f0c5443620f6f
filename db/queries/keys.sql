-- name: live_by_fingerprint
-- The key that may come in by this fingerprint from this source now.
SELECT k.id, k.account_id, k.fingerprint, k.public_key, k.name, k.scope, k.operator, k.state, k.confirm_code,
       CASE WHEN k.waits_until > capsul_now() THEN k.waits_until END AS waits_until,
       k.networks::text[] AS networks, k.expires_at, k.created_at, k.last_used_at
FROM ssh_key AS k
JOIN account AS a ON a.id = k.account_id AND a.state <> 'closed'
WHERE k.fingerprint = $1 AND k.state = 'live'
  AND (k.expires_at IS NULL OR k.expires_at > capsul_now())
  AND (k.networks = '{}' OR $2::text::inet <<= ANY (k.networks))

-- name: remember_use
-- At most once a minute: a key that is used all the time need not be written all the time.
UPDATE ssh_key SET last_used_at = capsul_now(), last_used_from = $2::text::inet
WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < capsul_now() - interval '1 minute')

-- name: of_account
-- Every key that was not removed, oldest first.
SELECT id, account_id, fingerprint, public_key, name, scope, operator, state, confirm_code,
       CASE WHEN waits_until > capsul_now() THEN waits_until END AS waits_until,
       networks::text[] AS networks, expires_at, created_at, last_used_at
FROM ssh_key WHERE account_id = $1 AND state <> 'removed' ORDER BY created_at, id

-- name: add_pending
-- A key somebody says is theirs: counts only once its holder has given the code.
INSERT INTO ssh_key (account_id, fingerprint, public_key, name, scope, state, confirm_code, networks, expires_at)
VALUES ($1, $2, $3, $4, $5, 'pending', $6, $7::text[]::cidr[], $8)
RETURNING id, account_id, fingerprint, public_key, name, scope, operator, state, confirm_code, waits_until,
          networks::text[] AS networks, expires_at, created_at, last_used_at

-- name: pending_by_code
-- The account whose list has this key waiting with this code.
SELECT account_id, id FROM ssh_key WHERE fingerprint = $1 AND confirm_code = $2 AND state = 'pending'

-- name: make_live
-- The holder has proved it.
UPDATE ssh_key SET state = 'live', proved_at = capsul_now(), confirm_code = NULL WHERE id = $1 AND state = 'pending'
RETURNING id

-- name: add_operator
-- From the host's shell: a key that is an operator's from the start.
INSERT INTO ssh_key (account_id, fingerprint, public_key, name, scope, operator, state, proved_at)
VALUES ($1, $2, $3, $4, 'full', true, 'live', capsul_now())
ON CONFLICT (fingerprint) WHERE state = 'live' DO UPDATE SET operator = true, scope = 'full'
RETURNING account_id

-- name: lock_of_account
-- Every key that was not removed, locked: so that two removals cannot both leave the last one but one.
SELECT id, fingerprint, scope, operator, state, waits_until > capsul_now() AS waits,
       expires_at IS NOT NULL AND expires_at <= capsul_now() AS expired
FROM ssh_key WHERE account_id = $1 AND state <> 'removed' ORDER BY id FOR UPDATE

-- name: remove
UPDATE ssh_key SET state = 'removed', removed_at = capsul_now() WHERE id = $1

-- name: rename
UPDATE ssh_key SET name = $2 WHERE id = $1

-- name: stop_waiting
-- An older key has approved it.
UPDATE ssh_key SET waits_until = NULL WHERE id = $1
