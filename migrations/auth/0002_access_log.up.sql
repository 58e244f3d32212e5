-- Admins may end other users' sessions, and read the audit log by actor.
ALTER TABLE audit_log DROP CONSTRAINT audit_log_action_check;
ALTER TABLE audit_log ADD CONSTRAINT audit_log_action_check
    CHECK (action IN ('USER_CREATED', 'ROLE_GRANTED', 'ROLE_REVOKED', 'USER_ERASED', 'SESSIONS_ENDED'));
CREATE INDEX audit_log_actor ON audit_log (actor, id) WHERE actor IS NOT NULL;

-- Lists of users: in the order of first sign-ins, and by role.
ALTER TABLE users ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY;
CREATE UNIQUE INDEX users_number ON users (number);
CREATE INDEX user_roles_role ON user_roles (role, user_id);
