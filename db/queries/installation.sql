-- name: read
SELECT id, epoch, currency, cluster_identity = cluster_identity() AS same_cluster, report_only_since FROM installation

-- name: go_report_only
UPDATE installation SET report_only_since = coalesce(report_only_since, capsul_now())

-- name: resume
-- A new epoch: what hosts were told before it is older news.
UPDATE installation SET report_only_since = NULL, cluster_identity = cluster_identity(), epoch = epoch + 1 RETURNING epoch

-- name: ills
SELECT ills()
