package auth

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Range is the part of a list to read: at most Limit rows strictly between two numbers, from the last one if Backward.
type Range struct {
	After, Before int64
	Limit         int
	Backward      bool
}

// orderBy returns the ORDER BY expression for reading the range from its beginning or its end.
func (r Range) orderBy(column string) string {
	if r.Backward {
		return column + " DESC"
	}
	return column
}

// UserFilter narrows a list of users. Its conditions are combined with AND; an empty field is none.
type UserFilter struct {
	Email string // as NormalizeEmail returns it
	Role  Role
}

// Listed is a user in the list of all.
type Listed struct {
	User

	Number int64 // in the order of first sign-ins
}

// ListUsers returns users in the order of their first sign-ins, including erased ones. Error: ErrUnavailable.
func (s *Service) ListUsers(ctx context.Context, f UserFilter, part Range) ([]Listed, error) {
	const query = `
		SELECT u.number, ` + userColumns + `,
			coalesce((SELECT array_agg(r.role ORDER BY r.role) FROM user_roles r WHERE r.user_id = u.id), '{}')
		FROM users u
		WHERE u.number > $1 AND u.number < $2 AND ($3 = '' OR u.email = $3)
			AND ($4 = '' OR EXISTS (SELECT FROM user_roles r WHERE r.user_id = u.id AND r.role = $4))
		ORDER BY `
	rows, err := s.pool.Query(ctx, query+part.orderBy("u.number")+` LIMIT $5`, part.After, part.Before, f.Email, string(f.Role), part.Limit)
	if err != nil {
		return nil, unavailable("list users", err)
	}
	users, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Listed, error) {
		var u Listed
		return u, row.Scan(append([]any{&u.Number}, u.targets()...)...)
	})
	if err != nil {
		return nil, unavailable("list users", err)
	}
	return users, nil
}

// AccessEntry is a row of the audit log: an actor did something to a user.
type AccessEntry struct {
	ID      int64
	At      time.Time
	Actor   string // a user id, "" for the platform itself
	Action  string // USER_CREATED, ROLE_GRANTED, ROLE_REVOKED, USER_ERASED or SESSIONS_ENDED
	Subject string // a user id
	Role    string // "" if the action concerns none
}

// AccessFilter narrows the audit log. Its conditions are combined with AND; an empty field is none.
type AccessFilter struct {
	Actor, Subject string // user ids
}

// AccessLog returns entries of the audit log, oldest first. Error: ErrUnavailable.
func (s *Service) AccessLog(ctx context.Context, f AccessFilter, part Range) ([]AccessEntry, error) {
	const query = `
		SELECT id, at, coalesce(actor, ''), action, subject, coalesce(role, '')
		FROM audit_log
		WHERE id > $1 AND id < $2 AND ($3 = '' OR actor = $3) AND ($4 = '' OR subject = $4)
		ORDER BY `
	rows, err := s.pool.Query(ctx, query+part.orderBy("id")+` LIMIT $5`, part.After, part.Before, f.Actor, f.Subject, part.Limit)
	if err != nil {
		return nil, unavailable("read the audit log", err)
	}
	entries, err := pgx.CollectRows(rows, pgx.RowToStructByPos[AccessEntry])
	if err != nil {
		return nil, unavailable("read the audit log", err)
	}
	return entries, nil
}
