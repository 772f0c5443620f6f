-- Roles of the whole cluster, made by `capsul migrate` before the first migration. Safe to run again.
--
-- Logins (gate, web, work) own nothing and inherit nothing: a process may only become one of the four
-- working roles, inside a transaction, by SET LOCAL ROLE. Definer functions belong to capsul_owner.
DO $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT * FROM (VALUES
            ('capsul_owner',    'NOLOGIN BYPASSRLS'),
            ('capsul_door',     'NOLOGIN'),
            ('capsul_member',   'NOLOGIN'),
            ('capsul_operator', 'NOLOGIN'),
            ('capsul_worker',   'NOLOGIN'),
            ('capsul_gate',     'LOGIN NOINHERIT'),
            ('capsul_web',      'LOGIN NOINHERIT'),
            ('capsul_work',     'LOGIN NOINHERIT')
        ) AS role (name, attributes)
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.name) THEN
            EXECUTE format('CREATE ROLE %I %s', wanted.name, wanted.attributes);
        END IF;
    END LOOP;
END $$;

GRANT capsul_door, capsul_member, capsul_operator TO capsul_gate;
GRANT capsul_door TO capsul_web;
GRANT capsul_worker TO capsul_work;

DO $$
BEGIN
    EXECUTE format('GRANT CREATE, CONNECT ON DATABASE %I TO capsul_owner', current_database());
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO capsul_gate, capsul_web, capsul_work', current_database());
    -- Whoever migrates must be able to act as the owner (a superuser can already).
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        EXECUTE format('GRANT capsul_owner TO %I', current_user);
    END IF;
END $$;
