package auth

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// GrantRole gives a user a role. It is in force everywhere when GrantRole returns. A role that the user has already is no error and not
// audited again. actorID is the admin who grants it, "" the platform itself. The caller checks whether the actor may.
// Errors: ErrUserNotFound, ErrRoleInvalid, ErrUnavailable.
func (s *Service) GrantRole(ctx context.Context, actorID, userID string, role Role) error {
	const insert = `
		INSERT INTO user_roles (user_id, role, granted_at, granted_by) VALUES ($1, $2, $3, nullif($4, ''))
		ON CONFLICT DO NOTHING`
	if !role.isValid() {
		return ErrRoleInvalid
	}
	return s.changeUser(ctx, userID, func(ctx context.Context, tx pgx.Tx) error {
		now := s.now()
		tag, err := tx.Exec(ctx, insert, userID, string(role), now, actorID)
		if err != nil {
			return unavailable("grant a role", err)
		}
		if tag.RowsAffected() == 0 {
			return nil
		}
		return writeAudit(ctx, tx, now, actorID, "ROLE_GRANTED", userID, role)
	})
}

// RevokeRole takes a role away, as GrantRole gives it. Watches of the user fire. A user in Config.AdminEmails becomes an admin again at
// the next sign-in.
func (s *Service) RevokeRole(ctx context.Context, actorID, userID string, role Role) error {
	if !role.isValid() {
		return ErrRoleInvalid
	}
	return s.changeUser(ctx, userID, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, "DELETE FROM user_roles WHERE user_id = $1 AND role = $2", userID, string(role))
		if err != nil {
			return unavailable("revoke a role", err)
		}
		if tag.RowsAffected() == 0 {
			return nil
		}
		return writeAudit(ctx, tx, s.now(), actorID, "ROLE_REVOKED", userID, role)
	})
}

// EraseUser deletes a user's address, name and roles, and ends their sessions; so it does with the guests linked to the user. The id stays,
// since the log refers to users by it. The address may sign in again, as a new user. Errors: ErrUserNotFound, ErrUnavailable.
func (s *Service) EraseUser(ctx context.Context, actorID, userID string) error {
	if err := s.eraseGuests(ctx, actorID, userID); err != nil {
		return err
	}
	err := s.changeUser(ctx, userID, func(ctx context.Context, tx pgx.Tx) error {
		now := s.now()
		_, err := tx.Exec(ctx, "UPDATE users SET email = NULL, name = NULL, contact_email = NULL, erased_at = $2 WHERE id = $1", userID, now)
		if err != nil {
			return unavailable("erase a user", err)
		}
		if _, err := tx.Exec(ctx, "DELETE FROM user_roles WHERE user_id = $1", userID); err != nil {
			return unavailable("delete an erased user's roles", err)
		}
		if _, err := tx.Exec(ctx, "DELETE FROM texts WHERE user_id = $1", userID); err != nil {
			return unavailable("delete what was written about an erased user", err)
		}
		if _, err := tx.Exec(ctx, "DELETE FROM ticket_holders WHERE user_id = $1", userID); err != nil {
			return unavailable("delete the names that an erased user gave", err)
		}
		return writeAudit(ctx, tx, now, actorID, "USER_ERASED", userID, "")
	})
	if err != nil {
		return err
	}
	if err := s.SignOutAll(context.WithoutCancel(ctx), "", userID, ""); err != nil {
		// The account is gone, so that the sessions are refused already. They expire.
		s.log.WarnContext(ctx, "the sessions of an erased user are not removed", "user", userID, "error", err)
	}
	return nil
}
