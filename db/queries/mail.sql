-- name: claim
-- One more attempt; null when it was sent or given up meanwhile.
UPDATE mail SET attempts = attempts + 1 WHERE id = $1 AND state = 'queued'
RETURNING id, account_id, kind, recipient, facts, attempts

-- name: sent
-- What the letter said is forgotten with it.
UPDATE mail SET state = 'sent', sent_at = capsul_now(), last_error = NULL, facts = '{}' WHERE id = $1

-- name: failed
UPDATE mail SET state = $2, last_error = $3 WHERE id = $1

-- name: enrolment
SELECT fingerprint, host(source) AS source, created_at, expires_at FROM enrolment
WHERE id = $1 AND state = 'waiting' AND expires_at > capsul_now()

-- name: make_token
INSERT INTO mailed_token (token_hash, purpose, enrolment_id, account_id, expires_at)
VALUES ($1, $2, $3, $4, coalesce((SELECT expires_at FROM enrolment WHERE id = $3), capsul_now() + interval '7 days'))

-- name: without_job
SELECT m.id FROM mail AS m
WHERE m.state = 'queued'
  AND NOT EXISTS (SELECT FROM pgqueuer.pgqueuer AS j WHERE j.dedupe_key = 'mail:' || m.id AND j.status IN ('queued', 'picked'))

-- name: enqueue
SELECT enqueue('mail', $1)

-- name: sweep_tokens
-- A month after they ended, tokens, enrolments and letters are of no use to anybody, and personal.
DELETE FROM mailed_token WHERE expires_at < capsul_now() - interval '30 days'

-- name: sweep_enrolments
DELETE FROM enrolment AS e WHERE e.expires_at < capsul_now() - interval '31 days'
    AND NOT EXISTS (SELECT FROM mailed_token AS t WHERE t.enrolment_id = e.id)

-- name: sweep_letters
DELETE FROM mail WHERE state <> 'queued' AND created_at < capsul_now() - interval '30 days'

-- name: sweep_job_log
DELETE FROM pgqueuer.pgqueuer_log WHERE created < now() - interval '7 days'

-- name: forget_tokens
-- Of an earlier attempt at the same letter: the newest letter counts.
DELETE FROM mailed_token WHERE enrolment_id = $1
