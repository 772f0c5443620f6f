-- name: by_id
SELECT o.id, o.account_id, o.capsul_id, c.name AS capsul_name, o.kind, o.state, o.reason, o.created_at, o.started_at,
       o.finished_at, o.deadline_at
FROM operation AS o JOIN capsul AS c ON c.id = o.capsul_id WHERE o.id = $1

-- name: steps
SELECT operation_id, name, state, started_at, finished_at,
       extract(epoch FROM coalesce(finished_at, capsul_now()) - started_at)::float8 AS seconds
FROM operation_step WHERE operation_id = ANY ($1) ORDER BY operation_id, position

-- name: recent
-- Newest first; of all accounts when the first parameter is null, in any state when the third is.
SELECT o.id, o.account_id, o.capsul_id, c.name AS capsul_name, o.kind, o.state, o.reason, o.created_at, o.started_at,
       o.finished_at, o.deadline_at
FROM operation AS o JOIN capsul AS c ON c.id = o.capsul_id
WHERE ($1::uuid IS NULL OR o.account_id = $1) AND ($2::timestamptz IS NULL OR o.created_at >= $2)
  AND ($3::text IS NULL OR o.state = $3)
ORDER BY o.created_at DESC, o.id LIMIT $4

-- name: of_capsul
SELECT o.id, o.account_id, o.capsul_id, c.name AS capsul_name, o.kind, o.state, o.reason, o.created_at, o.started_at,
       o.finished_at, o.deadline_at
FROM operation AS o JOIN capsul AS c ON c.id = o.capsul_id
WHERE o.account_id = $1 AND o.capsul_id = $2
ORDER BY o.created_at DESC, o.id LIMIT $3

-- name: of_note
-- What its owner may be waiting for, or have missed: not ended, or failed in the last hour. Newest first.
SELECT o.id, o.account_id, o.capsul_id, c.name AS capsul_name, o.kind, o.state, o.reason, o.created_at, o.started_at,
       o.finished_at, o.deadline_at
FROM operation AS o JOIN capsul AS c ON c.id = o.capsul_id
WHERE o.account_id = $1 AND o.state <> 'done'
  AND (o.state <> 'failed' OR o.finished_at > capsul_now() - interval '1 hour')
ORDER BY o.created_at DESC, o.id LIMIT 100

-- name: by_idempotency_key
SELECT id, request_hash FROM operation WHERE account_id = $1 AND idempotency_key = $2

-- name: unfinished_of
-- The one operation of a capsul that has not ended.
SELECT id, kind FROM operation WHERE capsul_id = $1 AND state IN ('queued', 'running')

-- name: insert
INSERT INTO operation (account_id, capsul_id, kind, idempotency_key, request_hash, fingerprint, session_id, deadline_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, capsul_now() + $8)
RETURNING id

-- name: insert_nothing_to_do
-- Remembers an idempotency key of a request that found everything as it wanted it.
INSERT INTO operation (account_id, capsul_id, kind, state, idempotency_key, request_hash, fingerprint, session_id,
                       deadline_at, finished_at)
VALUES ($1, $2, $3, 'done', $4, $5, $6, $7, capsul_now(), capsul_now())

-- name: enqueue
SELECT enqueue('operation', $1)

-- name: claim
-- One more attempt; null when it has ended meanwhile.
UPDATE operation SET state = 'running', attempts = attempts + 1, started_at = coalesce(started_at, capsul_now())
WHERE id = $1 AND state IN ('queued', 'running')
RETURNING id, account_id, capsul_id, kind, attempts, deadline_at,
          extract(epoch FROM deadline_at - capsul_now())::float8 AS seconds_left

-- name: begin_step
-- A step that was cut short keeps its first start: its time is what the customer waited.
-- No row when a later attempt has begun or the operation has ended: then this one must stop.
INSERT INTO operation_step (operation_id, account_id, position, name, started_at)
SELECT o.id, o.account_id, (SELECT count(*) FROM operation_step WHERE operation_id = o.id), $2, capsul_moment()
FROM operation AS o WHERE o.id = $1 AND o.attempts = $3 AND o.state = 'running'
ON CONFLICT (operation_id, name) DO UPDATE SET state = CASE WHEN operation_step.state = 'done' THEN 'done' ELSE 'running' END
RETURNING state

-- name: end_step
UPDATE operation_step SET state = $3, finished_at = capsul_moment()
WHERE operation_id = $1 AND name = $2

-- name: fail_open_steps
UPDATE operation_step SET state = 'failed', finished_at = capsul_moment()
WHERE operation_id = $1 AND state = 'running'

-- name: finish
-- No row when a later attempt has begun or it has ended already.
UPDATE operation SET state = $2, reason = $3, finished_at = capsul_moment()
WHERE id = $1 AND state = 'running' AND attempts = $4
RETURNING id

-- name: without_job
-- What should be worked on and is not in the queue.
SELECT o.id FROM operation AS o
WHERE o.state IN ('queued', 'running')
  AND NOT EXISTS (SELECT FROM pgqueuer.pgqueuer AS j WHERE j.dedupe_key = 'operation:' || o.id AND j.status IN ('queued', 'picked'))
