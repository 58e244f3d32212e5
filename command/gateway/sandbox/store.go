package sandbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"ticketing/command/gateway"
)

// insertPayment keeps an existing row.
func insertPayment(ctx context.Context, tx pgx.Tx, r paymentRow) error {
	_, err := tx.Exec(ctx, `INSERT INTO sandbox_payments (payment_id, transaction_id, status, minor, currency)
		VALUES ($1, $2, $3, $4, $5) ON CONFLICT (payment_id) DO NOTHING`, r.paymentID, r.transactionID, r.status, r.minor, r.currency)
	if err != nil {
		return fmt.Errorf("insert payment: %w", err)
	}
	return nil
}

const selectPayment = `SELECT payment_id, transaction_id, status, minor, currency, token, client_secret, redirect_url, reason
	FROM sandbox_payments WHERE `

// lockPayment reads a payment and locks it until tx ends; gateway.ErrUnknownPayment if there is none.
func lockPayment(ctx context.Context, tx pgx.Tx, paymentID string) (paymentRow, error) {
	return scanPayment(tx.QueryRow(ctx, selectPayment+`payment_id = $1 FOR UPDATE`, paymentID))
}

// lockByTransaction is lockPayment by the sandbox's own id.
func lockByTransaction(ctx context.Context, tx pgx.Tx, transactionID string) (paymentRow, error) {
	return scanPayment(tx.QueryRow(ctx, selectPayment+`transaction_id = $1 FOR UPDATE`, transactionID))
}

func scanPayment(row pgx.Row) (paymentRow, error) {
	var r paymentRow
	err := row.Scan(&r.paymentID, &r.transactionID, &r.status, &r.minor, &r.currency, &r.token, &r.clientSecret, &r.redirectURL, &r.reason)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return paymentRow{}, gateway.ErrUnknownPayment
	case err != nil:
		return paymentRow{}, fmt.Errorf("read payment: %w", err)
	}
	return r, nil
}

func updatePayment(ctx context.Context, tx pgx.Tx, r paymentRow) error {
	_, err := tx.Exec(ctx, `UPDATE sandbox_payments SET status = $2, token = $3, client_secret = $4, redirect_url = $5, reason = $6
		WHERE payment_id = $1`, r.paymentID, r.status, r.token, r.clientSecret, r.redirectURL, r.reason)
	if err != nil {
		return fmt.Errorf("update payment: %w", err)
	}
	return nil
}
