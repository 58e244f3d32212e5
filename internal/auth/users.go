package auth

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// User is a person with an account.
type User struct {
	ID         string
	Email      string // "" once erased
	Name       string // "" when unknown or erased
	Roles      []Role // sorted
	CreatedAt  time.Time
	LastSeenAt time.Time // the last sign-in
	ErasedAt   *time.Time
	Guest      bool   // has proven no address
	Contact    string // a guest's address, not proven; "" when unknown or erased

	epoch int64 // see epoch.go
}

// userColumns are the columns of a User, but for the roles.
const userColumns = `u.id, coalesce(u.email, ''), coalesce(u.name, ''), u.created_at, u.last_seen_at, u.erased_at, u.guest, coalesce(u.contact_email, ''), u.epoch`

// targets are where a row of userColumns and the roles is scanned to.
func (u *User) targets() []any {
	return []any{&u.ID, &u.Email, &u.Name, &u.CreatedAt, &u.LastSeenAt, &u.ErasedAt, &u.Guest, &u.Contact, &u.epoch, &u.Roles}
}

// Users returns the users with the given ids, as far as they exist, by id. Erased users are included, without address and name.
// Error: ErrUnavailable.
func (s *Service) Users(ctx context.Context, ids []string) (map[string]User, error) {
	const query = `
		SELECT ` + userColumns + `,
			coalesce(array_agg(r.role ORDER BY r.role) FILTER (WHERE r.role IS NOT NULL), '{}')
		FROM users u LEFT JOIN user_roles r ON r.user_id = u.id
		WHERE u.id = ANY($1)
		GROUP BY u.id`
	rows, err := s.pool.Query(ctx, query, ids)
	if err != nil {
		return nil, unavailable("read users", err)
	}
	users, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (User, error) {
		var u User
		return u, row.Scan(u.targets()...)
	})
	if err != nil {
		return nil, unavailable("read users", err)
	}
	byID := make(map[string]User, len(users))
	for _, u := range users {
		byID[u.ID] = u
	}
	return byID, nil
}

// loadUser returns a user who is not erased. Errors: ErrUserNotFound, ErrUnavailable.
func (s *Service) loadUser(ctx context.Context, userID string) (User, error) {
	users, err := s.Users(ctx, []string{userID})
	if err != nil {
		return User{}, err
	}
	u, ok := users[userID]
	if !ok || u.ErasedAt != nil {
		return User{}, ErrUserNotFound
	}
	return u, nil
}
