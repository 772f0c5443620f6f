-- name: of_account
-- Those that have not ended, oldest first; of all accounts when the first parameter is null.
SELECT c.id, c.uuid, c.account_id, c.name, c.state, c.reason, c.state_since, c.desired, c.image_id, c.size_id,
       i.login_user, c.host_id, c.price_month, c.currency, c.created_by, host(c.ipv4) AS ipv4, host(c.ipv6) AS ipv6,
       c.created_at, c.ended_at
FROM capsul AS c JOIN image AS i ON i.id = c.image_id
WHERE ($1::uuid IS NULL OR c.account_id = $1) AND (c.ended_at IS NULL OR $2)
  AND ($3::timestamptz IS NULL OR c.created_at >= $3)
ORDER BY c.created_at, c.id LIMIT $4

-- name: by_reference
-- By id, whatever became of it, or by the name of one that lives.
SELECT c.id, c.uuid, c.account_id, c.name, c.state, c.reason, c.state_since, c.desired, c.image_id, c.size_id,
       i.login_user, c.host_id, c.price_month, c.currency, c.created_by, host(c.ipv4) AS ipv4, host(c.ipv6) AS ipv6,
       c.created_at, c.ended_at
FROM capsul AS c JOIN image AS i ON i.id = c.image_id
WHERE c.account_id = $1 AND (c.id = $2 OR (c.name = $2 AND c.ended_at IS NULL))

-- name: promise
-- What was promised to a capsul, and by which key it was made: keys that were removed are still known.
SELECT i.name AS image_name, i.version AS image_version, c.vcpus, c.memory_mib, c.disk_gib,
       k.name AS key_name, k.fingerprint AS key_fingerprint, k.state AS key_state
FROM capsul AS c JOIN image AS i ON i.id = c.image_id JOIN ssh_key AS k ON k.id = c.created_by
WHERE c.id = $1

-- name: sizes
SELECT s.id, s.vcpus, s.memory_mib, s.disk_gib, s.price_month, s.currency, room.fits
FROM size AS s JOIN room_by_size() AS room ON room.size_id = s.id
WHERE s.on_offer ORDER BY s.price_month, s.memory_mib

-- name: price_list
-- For those who may not know how much room there is: the page and guests.
SELECT id, vcpus, memory_mib, disk_gib, price_month, currency, 0 AS fits
FROM size WHERE on_offer ORDER BY price_month, memory_mib

-- name: images
SELECT id, name, version, volume, login_user, deprecated FROM image ORDER BY deprecated, id

-- name: insert
INSERT INTO capsul (account_id, name, image_id, size_id, vcpus, memory_mib, disk_gib, price_month, currency,
                    authorized_keys, user_data, created_by)
SELECT $1, $2, $3, s.id, s.vcpus, s.memory_mib, s.disk_gib, s.price_month, s.currency, $5, $6, $7
FROM size AS s WHERE s.id = $4
RETURNING id

-- name: reserve_room
SELECT reserve_room($1)

-- name: release_room
SELECT release_room($1)

-- name: change_state
SELECT change_state($1, $2, $3, $4)

-- name: rename
UPDATE capsul SET name = $2 WHERE id = $1

-- name: lock
-- Serialises requests about one capsul.
SELECT state FROM capsul WHERE id = $1 FOR NO KEY UPDATE

-- name: specification
-- All that a host must be told to make it.
SELECT c.id, c.uuid, c.account_id, c.size_id, c.desired, c.state, c.host_id, c.vcpus, c.memory_mib, c.disk_gib,
       i.volume, n.id AS installation_id, n.epoch
FROM capsul AS c JOIN image AS i ON i.id = c.image_id, installation AS n
WHERE c.id = $1

-- name: expected_on_host
-- For the reconciler: every capsul that should be there, or may not have been cleared away yet.
SELECT id, uuid, desired, state FROM capsul WHERE host_id = $1 AND (ended_at IS NULL OR room_reserved)

-- name: lock_row
-- Held until the transaction ends.
SELECT id, account_id, desired, state, state_since, reason, ended_at IS NOT NULL AS ended FROM capsul WHERE id = $1
FOR NO KEY UPDATE

-- name: is_busy
-- Asked after the row is locked, in a statement of its own: only then it sees what the holder before has committed.
SELECT EXISTS (SELECT FROM operation WHERE capsul_id = $1 AND state IN ('queued', 'running'))

-- name: on_host_by_uuid
SELECT id, uuid, desired, state FROM capsul WHERE host_id = $1 AND uuid = $2 AND (ended_at IS NULL OR room_reserved)

-- name: hosts
SELECT h.id, h.uri, h.accepts_new, h.reachable, h.trouble, h.seen_at, h.memory_mib, h.disk_gib,
       h.committed_memory_mib, h.committed_disk_gib,
       (SELECT count(*) FROM capsul AS c WHERE c.host_id = h.id AND c.ended_at IS NULL) AS capsuls
FROM host AS h ORDER BY h.id

-- name: note_host
UPDATE host SET reachable = $2, trouble = $3, seen_at = CASE WHEN $2 THEN capsul_now() ELSE seen_at END WHERE id = $1

-- name: put_host
INSERT INTO host (id, uri, memory_mib, disk_gib) VALUES ($1, $2, $3, $4)
ON CONFLICT (id) DO UPDATE SET uri = excluded.uri, memory_mib = excluded.memory_mib, disk_gib = excluded.disk_gib

-- name: put_image
INSERT INTO image (id, name, version, volume, login_user) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, version = excluded.version, volume = excluded.volume,
    login_user = excluded.login_user

-- name: put_size
INSERT INTO size (id, vcpus, memory_mib, disk_gib, price_month, currency)
SELECT $1, $2, $3, $4, $5, currency FROM installation
ON CONFLICT (id) DO UPDATE SET vcpus = excluded.vcpus, memory_mib = excluded.memory_mib, disk_gib = excluded.disk_gib,
    price_month = excluded.price_month
