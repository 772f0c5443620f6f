-- Oldest program that works with this: 0.1.0.
--
-- What the screens need: who has them open, and to be told of more than before. Only adds.

SET LOCAL search_path = capsul, pg_temp;

CREATE TABLE session (
    id text PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES account,
    key_id uuid NOT NULL,
    source inet NOT NULL,
    client text NOT NULL,
    terminal text NOT NULL,
    gate uuid NOT NULL,
    started_at timestamptz NOT NULL DEFAULT capsul_now(),
    seen_at timestamptz NOT NULL DEFAULT capsul_now(),
    end_asked_at timestamptz,
    ended_at timestamptz,
    CONSTRAINT a_session_is_by_a_key_of_its_account
        FOREIGN KEY (key_id, account_id) REFERENCES ssh_key (id, account_id)
);
CREATE INDEX session_account ON session (account_id) WHERE ended_at IS NULL;
CREATE INDEX session_gate ON session (gate) WHERE ended_at IS NULL;

CREATE INDEX operation_not_done ON operation (account_id, created_at DESC) WHERE state <> 'done';

ALTER TABLE topup ADD COLUMN news_since timestamptz;
ALTER TABLE topup ADD COLUMN state_since timestamptz NOT NULL DEFAULT capsul_now();
UPDATE topup SET state_since = coalesce(settled_at, created_at), news_since = created_at;

CREATE FUNCTION remember_since_when() RETURNS trigger LANGUAGE plpgsql SET search_path = capsul, pg_temp AS $$
BEGIN
    IF NEW.state <> OLD.state THEN
        NEW.state_since := capsul_now();
    END IF;
    IF NEW.sync_wanted > NEW.sync_done AND OLD.sync_wanted <= OLD.sync_done THEN
        NEW.news_since := capsul_now();
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER a_topup_remembers_since_when BEFORE UPDATE ON topup
    FOR EACH ROW EXECUTE FUNCTION remember_since_when();

CREATE OR REPLACE TRIGGER tell_of_key AFTER INSERT OR UPDATE OF state, waits_until, scope, operator, name ON ssh_key
    FOR EACH ROW EXECUTE FUNCTION tell_of_change('id');
CREATE TRIGGER tell_of_session AFTER INSERT OR UPDATE OF end_asked_at, ended_at ON session
    FOR EACH ROW EXECUTE FUNCTION tell_of_change('id');
CREATE TRIGGER tell_of_audit AFTER INSERT ON audit
    FOR EACH ROW WHEN (NEW.account_id IS NOT NULL) EXECUTE FUNCTION tell_of_change('id');
CREATE TRIGGER tell_of_host AFTER INSERT OR UPDATE OF uri, accepts_new, reachable, trouble, memory_mib, disk_gib,
    committed_memory_mib, committed_disk_gib ON host FOR EACH ROW EXECUTE FUNCTION tell_of_change('id');
CREATE TRIGGER tell_of_size AFTER INSERT OR UPDATE ON size FOR EACH ROW EXECUTE FUNCTION tell_of_change('id');
CREATE TRIGGER tell_of_image AFTER INSERT OR UPDATE ON image FOR EACH ROW EXECUTE FUNCTION tell_of_change('id');

GRANT SELECT (id, gate, end_asked_at, ended_at), INSERT (id, account_id, key_id, source, client, terminal, gate),
    UPDATE (seen_at, ended_at) ON session TO capsul_door;
GRANT SELECT, UPDATE (end_asked_at) ON session TO capsul_member;
GRANT SELECT ON session TO capsul_operator;
GRANT UPDATE (ends_at) ON announcement TO capsul_operator;
GRANT SELECT, DELETE ON session TO capsul_worker;

ALTER TABLE session ENABLE ROW LEVEL SECURITY;
ALTER TABLE session FORCE ROW LEVEL SECURITY;
CREATE POLICY members_see_their_own ON session TO capsul_member
    USING (account_id = NULLIF(current_setting('capsul.account_id', true), '')::uuid);
CREATE POLICY operators_and_workers_see_all ON session TO capsul_operator, capsul_worker USING (true);
CREATE POLICY the_door_looks_keys_up ON session TO capsul_door USING (true);
