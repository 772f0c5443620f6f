-- name: coming_in
-- The account, the key it was opened by unless that was removed, and how many screens are open: in one question, because
-- everybody who comes in asks it.
SELECT a.id AS account_id, a.state AS account_state, e.address AS email, a.created_at AS account_created_at,
       k.id, k.fingerprint, k.public_key, k.name, k.scope, k.operator, k.state, k.confirm_code,
       CASE WHEN k.waits_until > capsul_now() THEN k.waits_until END AS waits_until,
       k.networks::text[] AS networks, k.expires_at, k.created_at, k.last_used_at,
       (SELECT count(*) FROM session AS s WHERE s.account_id = a.id AND s.ended_at IS NULL
        AND s.seen_at > capsul_now() - interval '3 minutes') AS sessions
FROM account AS a
JOIN email_address AS e ON e.account_id = a.id AND e.is_primary
JOIN ssh_key AS k ON k.account_id = a.id AND k.id = $2 AND k.state <> 'removed'
WHERE a.id = $1

-- name: numbers
-- How much there is of everything; of operations, what failed among those of the last 24 hours.
SELECT (SELECT count(*) FROM account WHERE state <> 'closed') AS accounts,
       (SELECT count(*) FROM account WHERE state = 'locked') AS locked,
       (SELECT count(*) FROM capsul WHERE ended_at IS NULL) AS capsuls,
       (SELECT count(*) FROM operation WHERE state = 'queued') AS queued,
       (SELECT count(*) FROM operation WHERE state = 'running') AS running,
       (SELECT count(*) FROM operation
        WHERE state = 'failed' AND created_at > capsul_now() - interval '24 hours') AS failed
