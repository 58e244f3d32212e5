package auth

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Address returns a user's mail address, for guests the one of their contact; "" for an unknown or erased user. It is for callers that only send mails and need no Service.
// Error: ErrUnavailable.
func Address(ctx context.Context, pool *pgxpool.Pool, userID string) (string, error) {
	var address string
	err := pool.QueryRow(ctx, `SELECT coalesce(email, contact_email, '') FROM users WHERE id = $1 AND erased_at IS NULL`, userID).Scan(&address)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", unavailable("read an address", err)
	}
	return address, nil
}

// UnknownUsers returns which of the ids are of no user, not even of an erased one. After a restore there are some if the auth database is
// older than the log. Error: ErrUnavailable.
func UnknownUsers(ctx context.Context, pool *pgxpool.Pool, ids []string) ([]string, error) {
	rows, err := pool.Query(ctx, `SELECT id FROM unnest($1::text[]) AS given (id) WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = given.id) ORDER BY id`, ids)
	if err != nil {
		return nil, unavailable("look for unknown users", err)
	}
	unknown, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, unavailable("look for unknown users", err)
	}
	return unknown, nil
}
