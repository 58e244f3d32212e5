-- Rows of the new action stay: the audit log is append-only. So the narrower check is for new rows only.
DROP INDEX user_roles_role;
ALTER TABLE users DROP COLUMN number;
DROP INDEX audit_log_actor;
ALTER TABLE audit_log DROP CONSTRAINT audit_log_action_check;
ALTER TABLE audit_log ADD CONSTRAINT audit_log_action_check
    CHECK (action IN ('USER_CREATED', 'ROLE_GRANTED', 'ROLE_REVOKED', 'USER_ERASED')) NOT VALID;
