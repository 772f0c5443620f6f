-- The database as it stands. Read this first; migrations/ is how a running database gets here.
--
-- Money is BIGINT micro-units (1 USD = 1,000,000). Time is capsul_now(). Constraint names are sentences:
-- db/errors.py turns the ones a person can cause into errors by that name.
-- Tables with an account_id are guarded by row-level security, at the end of this file.

CREATE SCHEMA capsul;
SET LOCAL search_path = capsul, pg_temp;

-- ---------------------------------------------------------------------------------------------- clock

-- One row. Tests shift it; nobody else does.
CREATE TABLE clock (
    only_row boolean PRIMARY KEY DEFAULT true CONSTRAINT there_is_one_clock CHECK (only_row),
    shift interval NOT NULL DEFAULT '0'
);
INSERT INTO clock DEFAULT VALUES;

-- The only clock for money, deadlines and tokens.
CREATE FUNCTION capsul_now() RETURNS timestamptz LANGUAGE sql STABLE AS
$$ SELECT now() + (SELECT shift FROM capsul.clock) $$;

-- The same clock at this very moment: for what must come after whatever the transaction has waited for.
CREATE FUNCTION capsul_moment() RETURNS timestamptz LANGUAGE sql VOLATILE AS
$$ SELECT clock_timestamp() + (SELECT shift FROM capsul.clock) $$;

-- ------------------------------------------------------------------------------------------------ ids

-- 40 or more unguessable bits, in letters and digits that survive being read aloud.
CREATE FUNCTION random_text(length integer, alphabet text) RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT string_agg(substr(alphabet, 1 + get_byte(bytes, i) % length(alphabet), 1), '')
   FROM (SELECT decode(string_agg(replace(gen_random_uuid()::text, '-', ''), ''), 'hex') AS bytes
         FROM generate_series(1, 1 + length / 4)) AS pool,
        -- Byte 6 and 8 of a UUID carry its version; use the first four bytes of each only.
        LATERAL (SELECT 16 * (n / 4) + n % 4 AS i FROM generate_series(0, length - 1) AS n) AS picks $$;

CREATE FUNCTION new_id(prefix text) RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT prefix || '-' || capsul.random_text(10, 'abcdefghijklmnopqrstuvwxyz234567') $$;

-- ----------------------------------------------------------------------------------- the installation

CREATE TABLE installation (
    only_row boolean PRIMARY KEY DEFAULT true CONSTRAINT there_is_one_installation CHECK (only_row),
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    epoch integer NOT NULL DEFAULT 1,
    currency text NOT NULL CONSTRAINT a_currency_is_three_capitals CHECK (currency ~ '^[A-Z]{3}$'),
    -- Which cluster and timeline wrote here last: another one means a restored backup.
    cluster_identity text NOT NULL,
    report_only_since timestamptz,
    created_at timestamptz NOT NULL DEFAULT capsul_now()
);

-- Which cluster, timeline and database this is. A restored backup runs on another one.
CREATE FUNCTION cluster_identity() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS
$$ SELECT concat_ws('/', system_identifier, timeline_id, d.oid)
   FROM pg_control_system(), pg_control_checkpoint(), pg_database AS d WHERE d.datname = current_database() $$;

-- --------------------------------------------------------------------------------------------- people

CREATE TABLE account (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    state text NOT NULL DEFAULT 'active'
        CONSTRAINT an_account_is_active_locked_or_closed CHECK (state IN ('active', 'locked', 'closed')),
    terms_version text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT capsul_now()
);

CREATE TABLE email_address (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES account,
    address text NOT NULL,
    normalised text NOT NULL CONSTRAINT an_address_belongs_to_one_account UNIQUE,
    is_primary boolean NOT NULL DEFAULT false,
    verified_at timestamptz NOT NULL DEFAULT capsul_now()
);
CREATE UNIQUE INDEX an_account_has_one_primary_address ON email_address (account_id) WHERE is_primary;
CREATE INDEX email_address_account ON email_address (account_id);

CREATE TABLE ssh_key (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    account_id uuid NOT NULL REFERENCES account,
    fingerprint text NOT NULL CONSTRAINT a_fingerprint_is_sha256 CHECK (fingerprint ~ '^SHA256:[A-Za-z0-9+/]{43}$'),
    public_key text NOT NULL,
    name text NOT NULL CONSTRAINT a_key_name_is_1_to_60_characters CHECK (length(name) BETWEEN 1 AND 60),
    scope text NOT NULL CONSTRAINT a_scope_is_full_machines_or_read CHECK (scope IN ('full', 'machines', 'read')),
    operator boolean NOT NULL DEFAULT false,
    -- pending: added by a line of text, its holder has not proved it yet
    state text NOT NULL CONSTRAINT a_key_is_pending_live_or_removed CHECK (state IN ('pending', 'live', 'removed')),
    confirm_code text,
    -- A recovered account's new key may only look, top up and stop until then.
    waits_until timestamptz,
    networks cidr[] NOT NULL DEFAULT '{}',
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT capsul_now(),
    proved_at timestamptz,
    last_used_at timestamptz,
    last_used_from inet,
    removed_at timestamptz,
    CONSTRAINT an_operator_key_is_a_full_key CHECK (NOT operator OR scope = 'full'),
    CONSTRAINT a_live_key_was_proved CHECK (state <> 'live' OR proved_at IS NOT NULL),
    CONSTRAINT a_key_goes_with_its_account UNIQUE (id, account_id)
);
CREATE UNIQUE INDEX a_fingerprint_is_unique_among_live_keys ON ssh_key (fingerprint) WHERE state = 'live';
CREATE UNIQUE INDEX an_account_adds_a_key_once ON ssh_key (account_id, fingerprint) WHERE state <> 'removed';
CREATE INDEX ssh_key_account ON ssh_key (account_id);
CREATE INDEX ssh_key_pending ON ssh_key (fingerprint) WHERE state = 'pending';

-- Whoever removes it: without an operator nobody could make one, but on the host's shell.
CREATE FUNCTION keep_an_operator() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = capsul, pg_temp AS $$
BEGIN
    IF OLD.operator AND OLD.state = 'live' AND NOT (NEW.operator AND NEW.state = 'live') THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('operators', 0));
        IF NOT EXISTS (SELECT FROM ssh_key WHERE operator AND state = 'live' AND id <> OLD.id
                       AND (expires_at IS NULL OR expires_at > capsul_now())) THEN
            RAISE EXCEPTION 'the last operator key' USING ERRCODE = 'check_violation', CONSTRAINT = 'the_last_operator_key_stays';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER the_last_operator_key_stays BEFORE UPDATE ON ssh_key FOR EACH ROW EXECUTE FUNCTION keep_an_operator();

-- What counts as one source: an IPv4 address, or the /64 that one IPv6 customer has to itself.
CREATE FUNCTION neighbourhood(source inet) RETURNS inet LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE WHEN family(source) = 6 THEN network(set_masklen(source, 64))::inet ELSE source END $$;

-- Somebody who has the screens open. It is open until ended_at, and no longer than its gate says that it is: a gate
-- that died says nothing any more.
CREATE TABLE session (
    -- Of the connection; further ones of the same connection have more behind it.
    id text PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES account,
    key_id uuid NOT NULL,
    source inet NOT NULL,
    client text NOT NULL,
    terminal text NOT NULL,
    -- The process that holds it.
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

-- A guest on the way to an account. Seen by the door and the worker, never by members.
CREATE TABLE enrolment (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    fingerprint text NOT NULL,
    public_key text NOT NULL,
    address text NOT NULL,
    normalised text NOT NULL,
    source inet NOT NULL,
    -- Shown in the terminal, typed into the page; the mail does not have it.
    code text NOT NULL,
    state text NOT NULL DEFAULT 'waiting'
        CONSTRAINT an_enrolment_is_waiting_done_or_spent CHECK (state IN ('waiting', 'enrolled', 'spent', 'replaced')),
    tries_left integer NOT NULL DEFAULT 3 CONSTRAINT tries_run_out_at_zero CHECK (tries_left >= 0),
    key_id uuid REFERENCES ssh_key,
    created_at timestamptz NOT NULL DEFAULT capsul_now(),
    expires_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE UNIQUE INDEX a_key_waits_for_one_enrolment ON enrolment (fingerprint) WHERE state = 'waiting';
CREATE INDEX enrolment_source ON enrolment (neighbourhood(source), created_at);
CREATE INDEX enrolment_fingerprint ON enrolment (fingerprint, created_at DESC);

-- Made by the worker as it sends the mail: the token itself is only ever in the mail.
CREATE TABLE mailed_token (
    token_hash bytea PRIMARY KEY,
    purpose text NOT NULL CONSTRAINT a_token_enrols_or_locks CHECK (purpose IN ('enrol', 'lock')),
    enrolment_id uuid REFERENCES enrolment,
    account_id uuid REFERENCES account,
    created_at timestamptz NOT NULL DEFAULT capsul_now(),
    expires_at timestamptz NOT NULL,
    CONSTRAINT a_token_has_a_subject CHECK (num_nonnulls(enrolment_id, account_id) = 1)
);

-- What is to be mailed: facts, not text. The worker writes the letter.
CREATE TABLE mail (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id uuid REFERENCES account,
    kind text NOT NULL,
    recipient text NOT NULL,
    facts jsonb NOT NULL DEFAULT '{}',
    state text NOT NULL DEFAULT 'queued'
        CONSTRAINT a_mail_is_queued_sent_or_given_up CHECK (state IN ('queued', 'sent', 'given up')),
    attempts integer NOT NULL DEFAULT 0,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT capsul_now(),
    sent_at timestamptz
);
CREATE INDEX mail_queued ON mail (created_at) WHERE state = 'queued';

-- Who did what. Personal data (source) stays here, apart from the books.
CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT capsul_now(),
    account_id uuid REFERENCES account,
    -- member, operator, guest, provider or worker; and with which key
    actor text NOT NULL,
    fingerprint text,
    session_id text,
    source inet,
    action text NOT NULL,
    target text NOT NULL DEFAULT '',
    reason text NOT NULL DEFAULT ''
);
CREATE INDEX audit_account ON audit (account_id, id DESC);

CREATE TABLE announcement (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    text text NOT NULL CONSTRAINT an_announcement_says_something CHECK (length(text) BETWEEN 1 AND 1000),
    created_at timestamptz NOT NULL DEFAULT capsul_now(),
    ends_at timestamptz
);

-- ------------------------------------------------------------------------------------ what is on offer

CREATE TABLE size (
    id text PRIMARY KEY CONSTRAINT a_size_id_is_plain CHECK (id ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
    vcpus integer NOT NULL CONSTRAINT a_size_has_a_vcpu CHECK (vcpus > 0),
    memory_mib integer NOT NULL CONSTRAINT a_size_has_memory CHECK (memory_mib > 0),
    disk_gib integer NOT NULL CONSTRAINT a_size_has_a_disk CHECK (disk_gib > 0),
    price_month bigint NOT NULL CONSTRAINT a_price_is_not_negative CHECK (price_month >= 0),
    currency text NOT NULL,
    on_offer boolean NOT NULL DEFAULT true
);

CREATE TABLE image (
    id text PRIMARY KEY CONSTRAINT an_image_id_is_plain CHECK (id ~ '^[a-z0-9][a-z0-9.-]{0,39}$'),
    name text NOT NULL,
    version text NOT NULL,
    -- The base volume on each host, and who logs in.
    volume text NOT NULL,
    login_user text NOT NULL,
    deprecated boolean NOT NULL DEFAULT false
);

-- The ledger of capacity: admitted by guarded updates here, never by measuring.
CREATE TABLE host (
    id text PRIMARY KEY CONSTRAINT a_host_id_is_plain CHECK (id ~ '^[a-z0-9][a-z0-9.-]{0,39}$'),
    uri text NOT NULL,
    accepts_new boolean NOT NULL DEFAULT true,
    memory_mib integer NOT NULL,
    disk_gib integer NOT NULL,
    committed_memory_mib integer NOT NULL DEFAULT 0,
    committed_disk_gib integer NOT NULL DEFAULT 0,
    reachable boolean NOT NULL DEFAULT false,
    seen_at timestamptz,
    trouble text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT capsul_now(),
    CONSTRAINT a_host_never_promises_more_memory_than_it_has
        CHECK (committed_memory_mib BETWEEN 0 AND memory_mib),
    CONSTRAINT a_host_never_promises_more_disk_than_it_has CHECK (committed_disk_gib BETWEEN 0 AND disk_gib)
);

-- --------------------------------------------------------------------------------------------- capsuls

CREATE TABLE capsul (
    id text PRIMARY KEY DEFAULT new_id('c'),
    uuid uuid NOT NULL DEFAULT gen_random_uuid() CONSTRAINT a_capsul_uuid_is_its_own UNIQUE,
    account_id uuid NOT NULL REFERENCES account,
    name text NOT NULL CONSTRAINT a_name_is_a_dns_label
        CHECK (name ~ '^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$' AND name !~ '^c-[a-z2-7]{10}$'),
    image_id text NOT NULL REFERENCES image,
    size_id text NOT NULL REFERENCES size,
    host_id text REFERENCES host,
    -- What was promised to this capsul and at which price, whatever the list says later.
    vcpus integer NOT NULL,
    memory_mib integer NOT NULL,
    disk_gib integer NOT NULL,
    price_month bigint NOT NULL,
    currency text NOT NULL,
    authorized_keys text[] NOT NULL DEFAULT '{}',
    user_data text NOT NULL DEFAULT '',
    created_by uuid NOT NULL,
    desired text NOT NULL DEFAULT 'running'
        CONSTRAINT a_capsul_is_wanted_running_stopped_or_destroyed CHECK (desired IN ('running', 'stopped', 'destroyed')),
    -- What a person sees. Changed by change_state() only.
    state text NOT NULL DEFAULT 'creating' CONSTRAINT a_capsul_state_is_known CHECK (state IN (
        'creating', 'running', 'stopping', 'stopped', 'starting', 'moving', 'held', 'unreachable',
        'deleted', 'destroyed', 'failed')),
    reason text NOT NULL DEFAULT '',
    state_since timestamptz NOT NULL DEFAULT capsul_now(),
    room_reserved boolean NOT NULL DEFAULT false,
    ipv4 inet,
    ipv6 inet,
    ready_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT capsul_now(),
    ended_at timestamptz,
    -- Foreign keys do not ask row-level security: these name the account on both sides.
    CONSTRAINT a_capsul_is_created_by_a_key_of_its_account
        FOREIGN KEY (created_by, account_id) REFERENCES ssh_key (id, account_id),
    CONSTRAINT a_capsul_goes_with_its_account UNIQUE (id, account_id)
);
CREATE UNIQUE INDEX a_name_is_unique_per_account_among_the_living ON capsul (account_id, name) WHERE ended_at IS NULL;
CREATE INDEX capsul_account ON capsul (account_id);
CREATE INDEX capsul_on_host ON capsul (host_id) WHERE ended_at IS NULL OR room_reserved;

-- What is wanted. The only truth about work under way; jobs merely point here.
CREATE TABLE operation (
    id text PRIMARY KEY DEFAULT new_id('o'),
    account_id uuid NOT NULL REFERENCES account,
    capsul_id text NOT NULL,
    kind text NOT NULL CONSTRAINT an_operation_kind_is_known
        CHECK (kind IN ('create', 'start', 'stop', 'restart', 'kill', 'destroy')),
    state text NOT NULL DEFAULT 'queued' CONSTRAINT an_operation_is_queued_running_done_or_failed
        CHECK (state IN ('queued', 'running', 'done', 'failed')),
    reason text NOT NULL DEFAULT '',
    idempotency_key text,
    request_hash bytea,
    fingerprint text,
    session_id text,
    attempts integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT capsul_now(),
    started_at timestamptz,
    finished_at timestamptz,
    deadline_at timestamptz NOT NULL,
    CONSTRAINT an_idempotency_key_is_used_once UNIQUE (account_id, idempotency_key),
    CONSTRAINT an_operation_is_about_a_capsul_of_its_account
        FOREIGN KEY (capsul_id, account_id) REFERENCES capsul (id, account_id),
    CONSTRAINT an_operation_goes_with_its_account UNIQUE (id, account_id)
);
CREATE UNIQUE INDEX a_capsul_has_one_operation_at_a_time ON operation (capsul_id) WHERE state IN ('queued', 'running');
CREATE INDEX operation_account ON operation (account_id, created_at DESC);
CREATE INDEX operation_created ON operation (created_at DESC);
CREATE INDEX operation_unfinished ON operation (created_at) WHERE state IN ('queued', 'running');
CREATE INDEX operation_not_done ON operation (account_id, created_at DESC) WHERE state <> 'done';

CREATE TABLE operation_step (
    operation_id text NOT NULL,
    account_id uuid NOT NULL REFERENCES account,
    position integer NOT NULL,
    name text NOT NULL,
    state text NOT NULL DEFAULT 'running'
        CONSTRAINT a_step_is_running_done_or_failed CHECK (state IN ('running', 'done', 'failed')),
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (operation_id, name),
    CONSTRAINT a_step_is_of_an_operation_of_its_account
        FOREIGN KEY (operation_id, account_id) REFERENCES operation (id, account_id)
);

-- ----------------------------------------------------------------------------------------------- money

CREATE TABLE ledger_account (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL CONSTRAINT a_ledger_code_is_unique UNIQUE,
    kind text NOT NULL CONSTRAINT a_ledger_kind_is_known CHECK (kind IN ('wallet', 'asset', 'income', 'expense')),
    account_id uuid REFERENCES account,
    currency text NOT NULL,
    -- Wallets only: one hot row per member, none for the house.
    balance bigint,
    version bigint,
    CONSTRAINT wallets_and_only_wallets_have_an_owner_and_a_balance
        CHECK ((kind = 'wallet') = (account_id IS NOT NULL)
           AND (kind = 'wallet') = (balance IS NOT NULL) AND (kind = 'wallet') = (version IS NOT NULL))
);
CREATE INDEX ledger_account_owner ON ledger_account (account_id);

-- One debit, one credit. Never updated, never deleted; corrections are new rows with reverses_id.
CREATE TABLE transfer (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    idempotency_key text NOT NULL CONSTRAINT a_transfer_happens_once UNIQUE,
    request_hash bytea NOT NULL,
    account_id uuid REFERENCES account,
    debit_id bigint NOT NULL REFERENCES ledger_account,
    credit_id bigint NOT NULL REFERENCES ledger_account,
    amount bigint NOT NULL CONSTRAINT a_transfer_moves_something CHECK (amount > 0),
    currency text NOT NULL,
    kind text NOT NULL,
    reference text NOT NULL DEFAULT '',
    note text NOT NULL DEFAULT '',
    reverses_id bigint REFERENCES transfer,
    -- Balance and version of the wallet on either side, after this transfer.
    debit_balance bigint,
    debit_version bigint,
    credit_balance bigint,
    credit_version bigint,
    event_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT capsul_now(),
    CONSTRAINT a_transfer_has_two_sides CHECK (debit_id <> credit_id)
);
CREATE INDEX transfer_account ON transfer (account_id, id DESC);
CREATE INDEX transfer_reference ON transfer (reference) WHERE reference <> '';
CREATE UNIQUE INDEX a_wallet_version_is_used_once_in_debit ON transfer (debit_id, debit_version) WHERE debit_version IS NOT NULL;
CREATE UNIQUE INDEX a_wallet_version_is_used_once_in_credit ON transfer (credit_id, credit_version) WHERE credit_version IS NOT NULL;

CREATE FUNCTION refuse_to_change_the_books() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the books are append-only' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'the_books_are_append_only';
END $$;
CREATE TRIGGER the_books_are_append_only BEFORE UPDATE OR DELETE ON transfer
    FOR EACH ROW EXECUTE FUNCTION refuse_to_change_the_books();
CREATE TRIGGER the_books_are_not_truncated BEFORE TRUNCATE ON transfer
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_books();

CREATE TABLE topup (
    id text PRIMARY KEY DEFAULT new_id('t'),
    account_id uuid NOT NULL REFERENCES account,
    -- The short link, /p/…: base58, 46 bits.
    link text NOT NULL DEFAULT random_text(8, '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz')
        CONSTRAINT a_link_leads_to_one_topup UNIQUE,
    provider text NOT NULL CONSTRAINT a_provider_is_known CHECK (provider IN ('sandbox', 'stripe', 'btcpay')),
    provider_reference text,
    currency text NOT NULL,
    amount bigint NOT NULL CONSTRAINT a_topup_is_worth_something CHECK (amount > 0),
    -- What stands on the wallet for it now, and what of that may still be refunded.
    credited bigint NOT NULL DEFAULT 0,
    taxed bigint NOT NULL DEFAULT 0,
    refundable bigint NOT NULL DEFAULT 0,
    postings integer NOT NULL DEFAULT 0,
    state text NOT NULL DEFAULT 'waiting' CONSTRAINT a_topup_state_is_known
        CHECK (state IN ('waiting', 'unconfirmed', 'paid', 'failed', 'expired', 'reversed')),
    idempotency_key text,
    request_hash bytea,
    created_at timestamptz NOT NULL DEFAULT capsul_now(),
    settled_at timestamptz,
    -- Bumped by whoever has news; the worker converges until done has caught up with wanted.
    sync_wanted integer NOT NULL DEFAULT 0,
    sync_done integer NOT NULL DEFAULT 0,
    fence bigint NOT NULL DEFAULT 0,
    -- Since when nobody has looked at the news, and since when the state is what it is: for operators.
    news_since timestamptz,
    state_since timestamptz NOT NULL DEFAULT capsul_now(),
    CONSTRAINT a_topup_key_is_used_once UNIQUE (account_id, idempotency_key)
);
CREATE INDEX topup_account ON topup (account_id, created_at DESC);
CREATE INDEX topup_has_news ON topup (created_at) WHERE sync_wanted > sync_done;

-- Whoever writes: several say that there is news.
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

-- What the sandbox provider would know: its side of the counter, not ours.
CREATE TABLE sandbox_checkout (
    topup_id text PRIMARY KEY REFERENCES topup,
    state text NOT NULL DEFAULT 'open' CONSTRAINT a_checkout_state_is_known
        CHECK (state IN ('open', 'unconfirmed', 'paid', 'double-spent', 'failed')),
    changed_at timestamptz NOT NULL DEFAULT capsul_now()
);

-- What a capsul costs, from when to when, why. Opened and closed by change_state() only.
CREATE TABLE price_segment (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES account,
    capsul_id text NOT NULL,
    kind text NOT NULL DEFAULT 'capsul',
    reason text NOT NULL,
    price_month bigint NOT NULL,
    currency text NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    -- Seconds of this calendar month (UTC) that earlier segments of the capsul have billed.
    used_seconds bigint NOT NULL DEFAULT 0,
    charged bigint NOT NULL DEFAULT 0,
    charged_through timestamptz NOT NULL,
    CONSTRAINT a_segment_ends_after_it_starts CHECK (ended_at >= started_at),
    CONSTRAINT a_segment_is_of_a_capsul_of_its_account
        FOREIGN KEY (capsul_id, account_id) REFERENCES capsul (id, account_id)
);
CREATE UNIQUE INDEX a_capsul_has_one_open_segment ON price_segment (capsul_id) WHERE ended_at IS NULL;
CREATE INDEX price_segment_account ON price_segment (account_id);

-- ------------------------------------------------------------------------------------ metering, to read

-- 672 hours: what a calendar month can cost at most.
CREATE FUNCTION billable_seconds_a_month() RETURNS bigint LANGUAGE sql IMMUTABLE AS $$ SELECT 2419200::bigint $$;

-- Micro-units for the time from started_at to until, by calendar months (UTC), each capped. The difference of what
-- the month had cost before and what it has cost then, both floored: any way of cutting time adds up to the same.
CREATE FUNCTION usage_cost(price_month bigint, used_seconds bigint, started_at timestamptz, until timestamptz)
RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(sum(price_month * least(cap, used + seconds) / cap - price_month * least(cap, used) / cap), 0)::bigint
    FROM (
        SELECT capsul.billable_seconds_a_month() AS cap,
               CASE WHEN number = 0 THEN used_seconds ELSE 0 END AS used,
               floor(extract(epoch FROM
                   least(until, (month_0 + make_interval(months => number + 1)) AT TIME ZONE 'UTC')
                   - greatest(started_at, (month_0 + make_interval(months => number)) AT TIME ZONE 'UTC')))::bigint AS seconds
        FROM (SELECT date_trunc('month', started_at AT TIME ZONE 'UTC') AS month_0,
                     12 * (date_part('year', until AT TIME ZONE 'UTC') - date_part('year', started_at AT TIME ZONE 'UTC'))
                     + date_part('month', until AT TIME ZONE 'UTC') - date_part('month', started_at AT TIME ZONE 'UTC') AS months
             ) AS bounds,
             generate_series(0, months::integer) AS number
    ) AS by_month
    WHERE seconds > 0
$$;

-- Seconds billed in the calendar month (UTC) of `at` by a segment running from started_at to at.
CREATE FUNCTION billed_seconds_this_month(used_seconds bigint, started_at timestamptz, at timestamptz)
RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT least(capsul.billable_seconds_a_month(),
                 CASE WHEN started_at >= month_0 THEN used_seconds ELSE 0 END
                 + floor(extract(epoch FROM at - greatest(started_at, month_0)))::bigint)
    FROM (SELECT date_trunc('month', at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AS month_0) AS bounds
$$;

-- ------------------------------------------------------------------- definer functions: the only writers

-- A member's transaction may only touch its own account, also through the functions below.
CREATE FUNCTION must_be_mine(owner uuid) RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF current_setting('role') = 'capsul_member'
       AND owner IS DISTINCT FROM NULLIF(current_setting('capsul.account_id', true), '')::uuid THEN
        RAISE EXCEPTION 'not yours' USING ERRCODE = 'insufficient_privilege';
    END IF;
END $$;

CREATE FUNCTION enqueue(entrypoint text, subject text, delay interval DEFAULT '0', once boolean DEFAULT true)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pgqueuer, pg_temp AS $$
BEGIN
    IF entrypoint NOT IN ('operation', 'topup', 'mail') THEN
        RAISE EXCEPTION 'no such work: %', entrypoint;
    END IF;
    INSERT INTO pgqueuer.pgqueuer (priority, status, entrypoint, payload, execute_after, dedupe_key)
    VALUES (0, 'queued', entrypoint, convert_to(subject, 'UTF8'), now() + delay,
            CASE WHEN once THEN entrypoint || ':' || subject END)
    ON CONFLICT DO NOTHING;
END $$;

-- Posts one transfer and returns its id. The same key with the same request returns the first id; with another
-- request it raises. least_after guards the debited wallet: NULL means it may go below zero.
CREATE FUNCTION post_transfer(
    key text, debit text, credit text, amount bigint, kind text, reference text, note text,
    event_at timestamptz, least_after bigint, reverses bigint DEFAULT NULL
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = capsul, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    hash bytea := sha256(convert_to(concat_ws('|', debit, credit, amount, kind, reference), 'UTF8'));
    from_account ledger_account;
    to_account ledger_account;
    known transfer;
    posted bigint;
BEGIN
    -- Wallets are locked in the order of their ids, so that two transfers never wait for each other.
    PERFORM FROM ledger_account AS a WHERE a.code IN (debit, credit) AND a.kind = 'wallet' ORDER BY a.id FOR UPDATE;
    SELECT * INTO known FROM transfer AS t WHERE t.idempotency_key = key;
    IF FOUND THEN
        IF known.request_hash <> hash THEN
            RAISE EXCEPTION 'transfer key % was used for another request', key
                USING ERRCODE = 'unique_violation', CONSTRAINT = 'a_transfer_key_stands_for_one_request';
        END IF;
        RETURN known.id;
    END IF;
    UPDATE ledger_account AS a SET balance = a.balance - amount, version = a.version + 1
        WHERE a.code = debit AND a.kind = 'wallet' RETURNING * INTO from_account;
    IF NOT FOUND THEN
        SELECT * INTO STRICT from_account FROM ledger_account AS a WHERE a.code = debit;
    ELSIF from_account.balance < least_after THEN
        RAISE EXCEPTION 'wallet % would hold %', debit, from_account.balance
            USING ERRCODE = 'check_violation', CONSTRAINT = 'there_is_enough_credit';
    END IF;
    UPDATE ledger_account AS a SET balance = a.balance + amount, version = a.version + 1
        WHERE a.code = credit AND a.kind = 'wallet' RETURNING * INTO to_account;
    IF NOT FOUND THEN
        SELECT * INTO STRICT to_account FROM ledger_account AS a WHERE a.code = credit;
    END IF;
    IF from_account.currency <> to_account.currency THEN
        RAISE EXCEPTION 'a transfer has one currency' USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO transfer (idempotency_key, request_hash, account_id, debit_id, credit_id, amount, currency, kind,
                          reference, note, reverses_id, debit_balance, debit_version, credit_balance, credit_version, event_at)
    VALUES (key, hash, coalesce(to_account.account_id, from_account.account_id), from_account.id, to_account.id, amount,
            from_account.currency, kind, reference, note, reverses, from_account.balance, from_account.version,
            to_account.balance, to_account.version, event_at)
    RETURNING transfer.id INTO posted;
    RETURN posted;
END $$;

-- Wallets for a new account: paid, and gift (spent first, never refunded).
CREATE FUNCTION open_wallets(owner uuid) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = capsul, pg_temp AS $$
    INSERT INTO ledger_account (code, kind, account_id, currency, balance, version)
    SELECT 'wallet:' || owner || ':' || wallet, 'wallet', owner, installation.currency, 0, 0
    FROM installation, unnest(ARRAY['paid', 'gift']) AS wallet
    ON CONFLICT DO NOTHING
$$;

-- The one way a capsul changes state. Opens and closes its price segment with it: it costs from when it is first
-- ready until its destruction is asked for, stopped or not, but not while held.
CREATE FUNCTION change_state(which text, new_state text, why text, wanted text DEFAULT NULL)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = capsul, pg_temp AS $$
DECLARE
    this capsul;
    at timestamptz;
    costs boolean;
BEGIN
    SELECT * INTO STRICT this FROM capsul WHERE id = which FOR UPDATE;
    PERFORM must_be_mine(this.account_id);
    at := capsul_moment();
    -- What was to be destroyed once is never wanted again.
    this.desired := CASE WHEN this.desired = 'destroyed' THEN 'destroyed' ELSE coalesce(wanted, this.desired) END;
    this.ready_at := coalesce(this.ready_at, CASE WHEN new_state = 'running' THEN at END);
    UPDATE capsul SET
        state = new_state, reason = why, desired = this.desired, ready_at = this.ready_at,
        state_since = CASE WHEN state = new_state THEN state_since ELSE at END,
        ended_at = CASE WHEN new_state IN ('destroyed', 'failed') THEN coalesce(ended_at, at) ELSE ended_at END,
        -- Of no use to anybody any more, and personal.
        user_data = CASE WHEN new_state IN ('destroyed', 'failed') THEN '' ELSE user_data END,
        authorized_keys = CASE WHEN new_state IN ('destroyed', 'failed') THEN '{}' ELSE authorized_keys END
    WHERE id = which;
    costs := this.ready_at IS NOT NULL AND this.desired <> 'destroyed' AND this.ended_at IS NULL
        AND new_state NOT IN ('held', 'deleted', 'destroyed', 'failed');
    IF costs THEN
        INSERT INTO price_segment (account_id, capsul_id, reason, price_month, currency, started_at, charged_through, used_seconds)
        SELECT this.account_id, which, new_state, this.price_month, this.currency, at, at,
               coalesce((SELECT billed_seconds_this_month(s.used_seconds, s.started_at, s.ended_at) FROM price_segment AS s
                         WHERE s.capsul_id = which AND s.ended_at >= date_trunc('month', at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
                         ORDER BY s.ended_at DESC, s.id DESC LIMIT 1), 0)
        ON CONFLICT (capsul_id) WHERE ended_at IS NULL DO NOTHING;
    ELSE
        UPDATE price_segment SET ended_at = at WHERE capsul_id = which AND ended_at IS NULL;
    END IF;
END $$;

-- Takes room for a capsul on the emptiest host that has it; raises when none has.
CREATE FUNCTION reserve_room(which text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = capsul, pg_temp AS $$
DECLARE
    this capsul;
    candidate text;
BEGIN
    SELECT * INTO STRICT this FROM capsul WHERE id = which FOR UPDATE;
    PERFORM must_be_mine(this.account_id);
    IF this.room_reserved THEN
        RETURN this.host_id;
    END IF;
    IF EXISTS (SELECT FROM host WHERE accepts_new) AND NOT EXISTS (SELECT FROM host WHERE accepts_new AND reachable) THEN
        RAISE EXCEPTION 'no host answers' USING ERRCODE = 'check_violation', CONSTRAINT = 'a_host_answers';
    END IF;
    FOR candidate IN
        SELECT id FROM host WHERE accepts_new AND reachable ORDER BY memory_mib - committed_memory_mib DESC, id
    LOOP
        UPDATE host SET committed_memory_mib = committed_memory_mib + this.memory_mib,
                        committed_disk_gib = committed_disk_gib + this.disk_gib
        WHERE id = candidate AND accepts_new
          AND committed_memory_mib + this.memory_mib <= memory_mib AND committed_disk_gib + this.disk_gib <= disk_gib;
        IF FOUND THEN
            UPDATE capsul SET host_id = candidate, room_reserved = true WHERE id = which;
            RETURN candidate;
        END IF;
    END LOOP;
    RAISE EXCEPTION 'no host has room for %', this.size_id USING ERRCODE = 'check_violation', CONSTRAINT = 'a_host_has_room';
END $$;

-- Gives the room back, once, however often it is called.
CREATE FUNCTION release_room(which text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = capsul, pg_temp AS $$
DECLARE
    this capsul;
BEGIN
    UPDATE capsul SET room_reserved = false WHERE id = which AND room_reserved RETURNING * INTO this;
    IF FOUND THEN
        UPDATE host SET committed_memory_mib = committed_memory_mib - this.memory_mib,
                        committed_disk_gib = committed_disk_gib - this.disk_gib
        WHERE id = this.host_id;
    END IF;
END $$;

-- How many more capsuls of each size on offer fit now, all hosts together.
CREATE FUNCTION room_by_size() RETURNS TABLE (size_id text, fits bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = capsul, pg_temp AS $$
    SELECT size.id, coalesce(sum(least((host.memory_mib - host.committed_memory_mib) / size.memory_mib,
                                       (host.disk_gib - host.committed_disk_gib) / size.disk_gib)), 0)
    FROM size LEFT JOIN host ON host.accepts_new AND host.reachable
    WHERE size.on_offer GROUP BY size.id
$$;

-- The key of a guest becomes a key of the account that owns the address; the account is made where there is none.
-- The caller has proved both: the key by SSH, the mailbox by the token.
CREATE FUNCTION complete_enrolment(which uuid, terms text, key_name text, wait interval)
RETURNS TABLE (account_id uuid, key_id uuid, is_new boolean, waits boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = capsul, pg_temp AS $$
#variable_conflict use_column
DECLARE
    this enrolment;
    owner uuid;
    made boolean := false;
    until timestamptz;
    key uuid;
BEGIN
    SELECT * INTO STRICT this FROM enrolment WHERE id = which FOR UPDATE;
    IF this.state <> 'waiting' OR this.expires_at <= capsul_now() THEN
        RAISE EXCEPTION 'this enrolment is over' USING ERRCODE = 'check_violation', CONSTRAINT = 'an_enrolment_is_completed_once';
    END IF;
    -- Two links for one new address may be used at the same moment: one makes the account.
    PERFORM pg_advisory_xact_lock(hashtextextended('enrol:' || this.normalised, 0));
    SELECT e.account_id INTO owner FROM email_address AS e WHERE e.normalised = this.normalised;
    IF owner IS NULL THEN
        made := true;
        INSERT INTO account (terms_version) VALUES (terms) RETURNING id INTO owner;
        INSERT INTO email_address (account_id, address, normalised, is_primary)
            VALUES (owner, this.address, this.normalised, true);
        PERFORM open_wallets(owner);
    ELSIF (SELECT a.state FROM account AS a WHERE a.id = owner) <> 'active' THEN
        RAISE EXCEPTION 'this account is locked' USING ERRCODE = 'check_violation', CONSTRAINT = 'an_account_is_open_for_keys';
    ELSIF EXISTS (SELECT FROM capsul AS c WHERE c.account_id = owner AND c.ended_at IS NULL)
       OR EXISTS (SELECT FROM ssh_key AS k WHERE k.account_id = owner AND k.operator AND k.state = 'live')
       OR EXISTS (SELECT FROM ledger_account AS l WHERE l.account_id = owner AND l.balance > 0) THEN
        until := capsul_now() + wait;
    END IF;
    -- The same key may stand here as pending, added by a line of text: now it is proved. And one that has expired, or
    -- whose account is closed, belongs to nobody any more.
    UPDATE ssh_key AS k SET state = 'removed', removed_at = capsul_now()
        WHERE k.fingerprint = this.fingerprint
          AND (k.account_id = owner AND k.state = 'pending'
               OR k.state = 'live' AND (k.expires_at <= capsul_now()
                                        OR EXISTS (SELECT FROM account AS a WHERE a.id = k.account_id AND a.state = 'closed')));
    INSERT INTO ssh_key (account_id, fingerprint, public_key, name, scope, state, waits_until, proved_at)
        VALUES (owner, this.fingerprint, this.public_key, key_name, 'full', 'live', until, capsul_now())
        RETURNING id INTO key;
    UPDATE enrolment SET state = 'enrolled', key_id = key, ended_at = capsul_now() WHERE id = which;
    RETURN QUERY SELECT owner, key, made, until IS NOT NULL;
END $$;

-- What the payment page may know of a topup: nothing about whose it is.
CREATE FUNCTION topup_by_link(which text)
RETURNS TABLE (id text, provider text, state text, amount bigint, credited bigint, currency text, created_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = capsul, pg_temp AS $$
    SELECT id, provider, state, amount, credited, currency, created_at FROM topup WHERE link = which
$$;

-- The buttons of the sandbox: changes the provider's side and says that there is news; credits nothing.
CREATE FUNCTION press_sandbox(which text, new_state text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = capsul, pg_temp AS $$
DECLARE
    found_id text;
BEGIN
    UPDATE topup SET sync_wanted = sync_wanted + 1 WHERE link = which AND provider = 'sandbox' RETURNING id INTO found_id;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO sandbox_checkout (topup_id, state) VALUES (found_id, new_state)
        ON CONFLICT (topup_id) DO UPDATE SET state = excluded.state, changed_at = capsul_now();
    PERFORM enqueue('topup', found_id, '0', false);
    RETURN true;
END $$;

-- By a page that a mail links to: nothing can be done with the account until an operator unlocks it.
-- The links in all its mails are used up with it: after an unlock none of them locks again.
CREATE FUNCTION lock_account_by_token(hash bytea) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = capsul, pg_temp AS $$
DECLARE
    locked uuid;
BEGIN
    UPDATE account SET state = 'locked' FROM mailed_token AS t
    WHERE t.token_hash = hash AND t.purpose = 'lock' AND t.expires_at > capsul_now()
      AND account.id = t.account_id AND account.state <> 'closed'
    RETURNING account.id INTO locked;
    DELETE FROM mailed_token WHERE account_id = locked AND purpose = 'lock';
    RETURN locked;
END $$;

-- Whether a mailed link still leads to locking an account.
CREATE FUNCTION lock_token_is_good(hash bytea) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = capsul, pg_temp AS $$
    SELECT EXISTS (SELECT FROM mailed_token AS t JOIN account AS a ON a.id = t.account_id
                   WHERE t.token_hash = hash AND t.purpose = 'lock' AND t.expires_at > capsul_now() AND a.state <> 'closed')
$$;

-- What is not as it should be, in words that anybody may read: no names, no numbers.
CREATE FUNCTION ills() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = capsul, pg_temp AS $$
    SELECT 'a host does not answer' WHERE EXISTS (SELECT FROM host WHERE NOT reachable)
    UNION ALL
    SELECT 'operations wait' WHERE EXISTS (
        SELECT FROM operation WHERE state = 'queued' AND created_at < capsul_now() - interval '2 minutes')
    UNION ALL
    SELECT 'letters wait' WHERE EXISTS (
        SELECT FROM mail WHERE state = 'queued' AND created_at < capsul_now() - interval '10 minutes')
    UNION ALL
    SELECT 'payments wait' WHERE EXISTS (
        SELECT FROM pgqueuer.pgqueuer WHERE entrypoint = 'topup' AND created < now() - interval '5 minutes')
    UNION ALL
    SELECT 'nothing is done after a restore' WHERE EXISTS (SELECT FROM installation WHERE report_only_since IS NOT NULL)
$$;

-- To every address of an account at once; the caller need not be able to read them.
CREATE FUNCTION mail_account(owner uuid, kind text, facts jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = capsul, pg_temp AS $$
    SELECT must_be_mine(owner);
    WITH queued AS (
        INSERT INTO mail (account_id, kind, recipient, facts)
        SELECT owner, kind, address, facts FROM email_address WHERE account_id = owner RETURNING id
    )
    SELECT enqueue('mail', id::text) FROM queued;
$$;

-- ---------------------------------------------------------------------------------- tell who is watching

-- Payload: table, account, id. Ids only: row-level security does not cover NOTIFY.
CREATE FUNCTION tell_of_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('capsul_changes', concat_ws(' ', TG_TABLE_NAME, coalesce(to_jsonb(NEW) ->> 'account_id', '-'),
                                                  to_jsonb(NEW) ->> TG_ARGV[0]));
    RETURN NULL;
END $$;
CREATE TRIGGER tell_of_capsul AFTER INSERT OR UPDATE ON capsul FOR EACH ROW EXECUTE FUNCTION tell_of_change('id');
CREATE TRIGGER tell_of_operation AFTER INSERT OR UPDATE ON operation FOR EACH ROW EXECUTE FUNCTION tell_of_change('id');
CREATE TRIGGER tell_of_step AFTER INSERT OR UPDATE ON operation_step FOR EACH ROW EXECUTE FUNCTION tell_of_change('operation_id');
CREATE TRIGGER tell_of_topup AFTER INSERT OR UPDATE OF state, credited ON topup FOR EACH ROW EXECUTE FUNCTION tell_of_change('id');
CREATE TRIGGER tell_of_key AFTER INSERT OR UPDATE OF state, waits_until, scope, operator, name ON ssh_key
    FOR EACH ROW EXECUTE FUNCTION tell_of_change('id');
CREATE TRIGGER tell_of_session AFTER INSERT OR UPDATE OF end_asked_at, ended_at ON session
    FOR EACH ROW EXECUTE FUNCTION tell_of_change('id');
CREATE TRIGGER tell_of_enrolment AFTER UPDATE ON enrolment FOR EACH ROW EXECUTE FUNCTION tell_of_change('fingerprint');
CREATE TRIGGER tell_of_account AFTER UPDATE ON account FOR EACH ROW EXECUTE FUNCTION tell_of_change('id');
CREATE TRIGGER tell_of_announcement AFTER INSERT OR UPDATE ON announcement FOR EACH ROW EXECUTE FUNCTION tell_of_change('id');
CREATE TRIGGER tell_of_audit AFTER INSERT ON audit
    FOR EACH ROW WHEN (NEW.account_id IS NOT NULL) EXECUTE FUNCTION tell_of_change('id');
CREATE TRIGGER tell_of_host AFTER INSERT OR UPDATE OF uri, accepts_new, reachable, trouble, memory_mib, disk_gib,
    committed_memory_mib, committed_disk_gib ON host FOR EACH ROW EXECUTE FUNCTION tell_of_change('id');
CREATE TRIGGER tell_of_size AFTER INSERT OR UPDATE ON size FOR EACH ROW EXECUTE FUNCTION tell_of_change('id');
CREATE TRIGGER tell_of_image AFTER INSERT OR UPDATE ON image FOR EACH ROW EXECUTE FUNCTION tell_of_change('id');
-- Not of transfers: NOTIFY makes commits wait for each other, and no table is written to as much. Audit and topups tell
-- of the same.

-- --------------------------------------------------------------------------------- who may touch what

GRANT USAGE ON SCHEMA capsul TO capsul_door, capsul_member, capsul_operator, capsul_worker;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA capsul FROM PUBLIC;
-- Those of later migrations too.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
GRANT EXECUTE ON FUNCTION capsul_now, capsul_moment, neighbourhood, cluster_identity, random_text, new_id, billable_seconds_a_month, usage_cost, billed_seconds_this_month,
    must_be_mine, tell_of_change, refuse_to_change_the_books
    TO capsul_door, capsul_member, capsul_operator, capsul_worker;

-- Everybody: what is the same for all.
GRANT SELECT ON clock, installation, size, image, announcement TO capsul_door, capsul_member, capsul_operator, capsul_worker;

-- The door: find a key, take an enrolment, lead to a payment. Nothing of any account's substance.
GRANT SELECT ON account TO capsul_door;
GRANT SELECT ON ssh_key TO capsul_door;
GRANT UPDATE (last_used_at, last_used_from) ON ssh_key TO capsul_door;
GRANT SELECT, INSERT, UPDATE (state, tries_left, ended_at) ON enrolment TO capsul_door;
GRANT SELECT ON mailed_token TO capsul_door;
GRANT INSERT ON mail, audit TO capsul_door;
GRANT SELECT (id) ON mail TO capsul_door;
GRANT SELECT (id, gate, end_asked_at, ended_at), INSERT (id, account_id, key_id, source, client, terminal, gate),
    UPDATE (seen_at, ended_at) ON session TO capsul_door;
GRANT EXECUTE ON FUNCTION enqueue, complete_enrolment, topup_by_link, press_sandbox, lock_token_is_good,
    lock_account_by_token, mail_account, ills TO capsul_door;

-- A member: the rows of the account in capsul.account_id.
GRANT SELECT ON account, email_address, ssh_key, capsul, operation, operation_step, ledger_account, transfer, topup,
    price_segment, audit TO capsul_member;
GRANT INSERT (account_id, fingerprint, public_key, name, scope, state, confirm_code, networks, expires_at)
    ON ssh_key TO capsul_member;
GRANT INSERT (account_id, name, image_id, size_id, vcpus, memory_mib, disk_gib, price_month, currency, authorized_keys,
              user_data, created_by) ON capsul TO capsul_member;
GRANT INSERT (account_id, capsul_id, kind, state, idempotency_key, request_hash, fingerprint, session_id, deadline_at,
              finished_at) ON operation TO capsul_member;
GRANT INSERT (account_id, provider, currency, amount, idempotency_key, request_hash) ON topup TO capsul_member;
GRANT INSERT (account_id, actor, fingerprint, session_id, source, action, target, reason) ON audit TO capsul_member;
GRANT UPDATE (name, state, removed_at, confirm_code, proved_at, waits_until) ON ssh_key TO capsul_member;
GRANT UPDATE (name) ON capsul TO capsul_member;
GRANT SELECT, UPDATE (end_asked_at) ON session TO capsul_member;
GRANT EXECUTE ON FUNCTION enqueue, change_state, reserve_room, room_by_size, mail_account TO capsul_member;

-- An operator: every account; money by posting only.
GRANT SELECT ON ALL TABLES IN SCHEMA capsul TO capsul_operator;
REVOKE SELECT ON mailed_token FROM capsul_operator;
REVOKE SELECT ON enrolment FROM capsul_operator;
GRANT INSERT ON audit, announcement TO capsul_operator;
GRANT INSERT ON operation TO capsul_operator;
GRANT UPDATE (name) ON capsul TO capsul_operator;  -- to lock a row; names are not changed
GRANT UPDATE (state) ON account TO capsul_operator;
GRANT UPDATE (ends_at) ON announcement TO capsul_operator;
GRANT EXECUTE ON FUNCTION post_transfer, enqueue, change_state, room_by_size TO capsul_operator;

-- The worker: carries out what is wanted, on hosts and with providers.
GRANT SELECT ON ALL TABLES IN SCHEMA capsul TO capsul_worker;
GRANT INSERT ON audit, mailed_token, operation, operation_step TO capsul_worker;
GRANT UPDATE (state, reason, attempts, started_at, finished_at) ON operation TO capsul_worker;
GRANT UPDATE (state, finished_at) ON operation_step TO capsul_worker;
GRANT UPDATE (state, credited, refundable, postings, settled_at, sync_done, fence) ON topup TO capsul_worker;
GRANT UPDATE (state, attempts, last_error, sent_at, facts) ON mail TO capsul_worker;
GRANT UPDATE (ipv4, ipv6) ON capsul TO capsul_worker;
GRANT UPDATE (reachable, seen_at, trouble) ON host TO capsul_worker;
GRANT UPDATE (report_only_since, cluster_identity) ON installation TO capsul_worker;
GRANT DELETE ON mailed_token, enrolment, mail, session TO capsul_worker;
GRANT EXECUTE ON FUNCTION post_transfer, enqueue, change_state, release_room, mail_account TO capsul_worker;
GRANT USAGE ON SCHEMA pgqueuer TO capsul_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA pgqueuer TO capsul_worker;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA pgqueuer TO capsul_worker;

-- Row-level security, forced: a forgotten WHERE shows nothing instead of everything.
DO $$
DECLARE
    scoped text;
    own text := 'NULLIF(current_setting(''capsul.account_id'', true), '''')::uuid';
BEGIN
    FOREACH scoped IN ARRAY ARRAY['account', 'email_address', 'ssh_key', 'audit', 'capsul', 'operation', 'operation_step',
                                  'ledger_account', 'transfer', 'topup', 'price_segment', 'mail', 'mailed_token', 'session']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', scoped);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', scoped);
        EXECUTE format('CREATE POLICY members_see_their_own ON %I TO capsul_member USING (%I = %s)',
                       scoped, CASE scoped WHEN 'account' THEN 'id' ELSE 'account_id' END, own);
        EXECUTE format('CREATE POLICY operators_and_workers_see_all ON %I TO capsul_operator, capsul_worker USING (true)', scoped);
    END LOOP;
    FOREACH scoped IN ARRAY ARRAY['account', 'ssh_key', 'mail', 'mailed_token', 'session'] LOOP
        EXECUTE format('CREATE POLICY the_door_looks_keys_up ON %I TO capsul_door USING (true)', scoped);
    END LOOP;
END $$;
CREATE POLICY the_door_writes_audit ON audit FOR INSERT TO capsul_door WITH CHECK (true);
-- What belongs to no account is the door's and the worker's alone; sandbox_checkout and the enrolment hold no
-- account_id, so no member has any privilege on them.
