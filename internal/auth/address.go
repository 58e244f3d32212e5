package auth

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Address answers where a user gets mail; "" when there is no such user or it was erased. Error: ErrUnavailable. It is for those who
// write to people and have nothing else to do with accounts.
func Address(ctx context.Context, pool *pgxpool.Pool, userID string) (string, error) {
	var address string
	err := pool.QueryRow(ctx, `SELECT email FROM users WHERE id = $1 AND erased_at IS NULL`, userID).Scan(&address)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", unavailable("read an address", err)
	}
	return address, nil
}
