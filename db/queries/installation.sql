-- name: read
SELECT id, epoch, currency, cluster_identity = cluster_identity() AS same_cluster, report_only_since FROM installation

-- name: go_report_only
UPDATE installation SET report_only_since = coalesce(report_only_since, capsul_now())

-- name: resume
-- A new epoch: what hosts were told before it is older news.
-- No row when there is nothing to resume from.
UPDATE installation SET report_only_since = NULL, cluster_identity = cluster_identity(), epoch = epoch + 1
WHERE report_only_since IS NOT NULL OR cluster_identity <> cluster_identity()
RETURNING epoch

-- name: ills
SELECT ills()
