package sandbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"ticketing/command/gateway"
)

// insert keeps what is there already.
func insert(ctx context.Context, tx pgx.Tx, r record) error {
	_, err := tx.Exec(ctx, `INSERT INTO sandbox_payments (payment_id, transaction_id, status, minor, currency)
		VALUES ($1, $2, $3, $4, $5) ON CONFLICT (payment_id) DO NOTHING`, r.paymentID, r.transactionID, r.status, r.minor, r.currency)
	if err != nil {
		return fmt.Errorf("insert payment: %w", err)
	}
	return nil
}

const selectPayment = `SELECT payment_id, transaction_id, status, minor, currency, token, client_secret, redirect_url, reason
	FROM sandbox_payments WHERE `

// lock reads a payment that nobody else changes until tx ends; gateway.ErrUnknownPayment if there is none.
func lock(ctx context.Context, tx pgx.Tx, paymentID string) (record, error) {
	return scan(tx.QueryRow(ctx, selectPayment+`payment_id = $1 FOR UPDATE`, paymentID))
}

// lockTransaction is lock by the sandbox's own id.
func lockTransaction(ctx context.Context, tx pgx.Tx, transactionID string) (record, error) {
	return scan(tx.QueryRow(ctx, selectPayment+`transaction_id = $1 FOR UPDATE`, transactionID))
}

func scan(row pgx.Row) (record, error) {
	var r record
	err := row.Scan(&r.paymentID, &r.transactionID, &r.status, &r.minor, &r.currency, &r.token, &r.clientSecret, &r.redirectURL, &r.reason)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return record{}, gateway.ErrUnknownPayment
	case err != nil:
		return record{}, fmt.Errorf("read payment: %w", err)
	}
	return r, nil
}

func update(ctx context.Context, tx pgx.Tx, r record) error {
	_, err := tx.Exec(ctx, `UPDATE sandbox_payments SET status = $2, token = $3, client_secret = $4, redirect_url = $5, reason = $6
		WHERE payment_id = $1`, r.paymentID, r.status, r.token, r.clientSecret, r.redirectURL, r.reason)
	if err != nil {
		return fmt.Errorf("update payment: %w", err)
	}
	return nil
}
