-- name: recent
-- How many one source has begun, for one address and for any, in the last hour.
SELECT count(*) FILTER (WHERE normalised = $2) AS same_address, count(*) AS any_address
FROM enrolment
WHERE neighbourhood(source) = neighbourhood($1::text::inet) AND created_at > capsul_now() - interval '1 hour'

-- name: take_turns
-- One enrolment at a time for each key, and for each network that limits count.
SELECT pg_advisory_xact_lock(hashtextextended('enrol key:' || $1, 0)),
       pg_advisory_xact_lock(hashtextextended('enrol from:' || neighbourhood($2::text::inet), 0))

-- name: waiting_of_key
SELECT id, fingerprint, public_key, address, host(source) AS source, code, state, tries_left, created_at, expires_at
FROM enrolment WHERE fingerprint = $1 AND state = 'waiting' AND expires_at > capsul_now()

-- name: newest_of_key
SELECT id, fingerprint, public_key, address, host(source) AS source, code, state, tries_left, created_at, expires_at
FROM enrolment WHERE fingerprint = $1 ORDER BY created_at DESC LIMIT 1

-- name: replace_waiting
-- A key enrols once at a time: what it asked before is over, whatever became of the mail.
UPDATE enrolment SET state = 'replaced', ended_at = capsul_now() WHERE fingerprint = $1 AND state = 'waiting'

-- name: begin
INSERT INTO enrolment (fingerprint, public_key, address, normalised, source, code, expires_at)
VALUES ($1, $2, $3, $4, $5::text::inet, $6, capsul_now() + $7)
RETURNING id, fingerprint, public_key, address, host(source) AS source, code, state, tries_left, created_at, expires_at

-- name: queue_letter
-- The letter that carries the link; the worker makes the token as it sends it.
INSERT INTO mail (kind, recipient, facts) VALUES ('enrol', $1, jsonb_build_object('enrolment_id', $2::text))
RETURNING id

-- name: enqueue_letter
SELECT enqueue('mail', $1)

-- name: by_token
-- What a mailed token leads to while it can still be used.
SELECT e.id, e.fingerprint, e.public_key, e.address, host(e.source) AS source, e.code, e.state, e.tries_left,
       e.created_at, e.expires_at
FROM mailed_token AS t JOIN enrolment AS e ON e.id = t.enrolment_id
WHERE t.token_hash = $1 AND t.purpose = 'enrol' AND e.expires_at > capsul_now()

-- name: lock_waiting
-- Held until the transaction ends, so that tries are counted one after the other.
SELECT code, tries_left FROM enrolment WHERE id = $1 AND state = 'waiting' FOR UPDATE

-- name: use_up_a_try
UPDATE enrolment SET tries_left = tries_left - 1,
       state = CASE WHEN tries_left = 1 THEN 'spent' ELSE state END,
       ended_at = CASE WHEN tries_left = 1 THEN capsul_now() ELSE ended_at END
WHERE id = $1 RETURNING tries_left

-- name: complete
SELECT account_id, key_id, is_new, waits FROM complete_enrolment($1, $2, $3, $4)
