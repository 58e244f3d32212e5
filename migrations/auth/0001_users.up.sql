-- Users. The log refers to them by id only, so that what is erased here is erased everywhere.
CREATE TABLE users (
    id           text        PRIMARY KEY CHECK (id LIKE 'usr\_%'),
    email        text        CHECK (email = lower(email) AND length(email) <= 254), -- in the one form of auth.NormalizeEmail
    name         text        CHECK (length(name) <= 200),
    created_at   timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL, -- the last sign-in
    erased_at    timestamptz,
    CONSTRAINT users_erased CHECK (erased_at IS NULL AND email IS NOT NULL OR erased_at IS NOT NULL AND email IS NULL AND name IS NULL)
);
CREATE UNIQUE INDEX users_email ON users (email);

CREATE TABLE user_roles (
    user_id    text        NOT NULL REFERENCES users (id),
    role       text        NOT NULL CHECK (role IN ('CUSTOMER', 'ORGANIZER', 'ADMIN')),
    granted_at timestamptz NOT NULL,
    granted_by text        REFERENCES users (id), -- NULL: the platform itself (first sign-in, ADMIN_EMAILS)
    PRIMARY KEY (user_id, role)
);

-- The audit log: actor, action, subject, time. Rows are only added; they hold no personal data.
CREATE TABLE audit_log (
    id      bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL,
    actor   text        REFERENCES users (id), -- NULL: the platform itself
    action  text        NOT NULL CHECK (action IN ('USER_CREATED', 'ROLE_GRANTED', 'ROLE_REVOKED', 'USER_ERASED')),
    subject text        NOT NULL REFERENCES users (id),
    role    text        CHECK ((role IS NOT NULL) = (action IN ('ROLE_GRANTED', 'ROLE_REVOKED')))
);
CREATE INDEX audit_log_subject ON audit_log (subject, id);

CREATE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();
