-- name: begin
-- No row when the id is taken: by another channel of the same connection.
INSERT INTO session (id, account_id, key_id, source, client, terminal, gate)
VALUES ($1, $2, $3, $4::text::inet, $5, $6, $7)
ON CONFLICT (id) DO NOTHING RETURNING id

-- name: ended
UPDATE session SET ended_at = capsul_now() WHERE id = $1 AND ended_at IS NULL

-- name: alive
-- All that a gate holds, at once.
UPDATE session SET seen_at = capsul_now() WHERE gate = $1 AND ended_at IS NULL

-- name: open_of_account
-- Newest first. One whose gate has not said for 3 minutes that it is there is open no more.
SELECT s.id, k.name AS key_name, k.fingerprint, host(s.source) AS source, s.client, s.terminal, s.started_at
FROM session AS s JOIN ssh_key AS k ON k.id = s.key_id
WHERE s.account_id = $1 AND s.ended_at IS NULL AND s.seen_at > capsul_now() - interval '3 minutes'
ORDER BY s.started_at DESC, s.id

-- name: ask_to_end
UPDATE session SET end_asked_at = coalesce(end_asked_at, capsul_now())
WHERE account_id = $1 AND id = $2 AND ended_at IS NULL AND seen_at > capsul_now() - interval '3 minutes'
RETURNING id

-- name: asked_to_end
SELECT EXISTS (SELECT FROM session WHERE id = $1 AND end_asked_at IS NOT NULL)

-- name: asked_of
-- Those of a gate that somebody wants to end.
SELECT id FROM session WHERE gate = $1 AND ended_at IS NULL AND end_asked_at IS NOT NULL

-- name: sweep
-- A month after they ended nobody asks for them any more, and where from is personal.
DELETE FROM session WHERE coalesce(ended_at, seen_at) < capsul_now() - interval '30 days'
