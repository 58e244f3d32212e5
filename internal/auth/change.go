package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// changeUser changes a user in one transaction. The change is in force for all processes when changeUser returns. Changes of one user
// happen one after the other. Errors: ErrUserNotFound (also for erased users), ErrUnavailable.
func (s *Service) changeUser(ctx context.Context, userID string, do func(ctx context.Context, tx pgx.Tx) error) error {
	bounded, cancel := context.WithTimeout(ctx, changeLimit)
	defer cancel()
	fence := fencePrefix + rand.Text()
	var after account
	err := pgx.BeginFunc(bounded, s.pool, func(tx pgx.Tx) error {
		if err := lockUser(bounded, tx, userID); err != nil {
			return err
		}
		if err := s.redis.Set(bounded, accountPrefix+userID, fence, fenceTTL).Err(); err != nil {
			return unavailable("fence a user's account", err)
		}
		if err := do(bounded, tx); err != nil {
			return err
		}
		accounts, err := s.loadAccounts(bounded, tx, []string{userID})
		after = accounts[userID]
		return err
	})
	if err != nil {
		return changeFailed(err)
	}
	s.publishAccount(ctx, userID, fence, after)
	return nil
}

// lockUser makes changes of a user wait for each other. A process that freezes meanwhile loses its transaction before its fence.
func lockUser(ctx context.Context, tx pgx.Tx, userID string) error {
	limit := fmt.Sprintf("SET LOCAL idle_in_transaction_session_timeout = %d", changeLimit.Milliseconds())
	if _, err := tx.Exec(ctx, limit); err != nil {
		return unavailable("limit a change", err)
	}
	var one int
	err := tx.QueryRow(ctx, "SELECT 1 FROM users WHERE id = $1 AND erased_at IS NULL FOR UPDATE", userID).Scan(&one)
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrUserNotFound
	}
	if err != nil {
		return unavailable("lock a user", err)
	}
	return nil
}

func changeFailed(err error) error {
	if errors.Is(err, ErrUserNotFound) || errors.Is(err, ErrUnavailable) {
		return err
	}
	return unavailable("change a user", err)
}

// publishAccount caches the account after a change and announces it. If that fails, all processes ask the database until the fence
// expires, and watches fire at their next check.
func (s *Service) publishAccount(ctx context.Context, userID, fence string, after account) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterthought)
	defer cancel()
	err := publishAccount.Run(ctx, s.redis, []string{accountPrefix + userID},
		fence, after.cacheEntry(), accountTTL.Milliseconds(), userID, changesChannel).Err()
	if err != nil {
		s.log.WarnContext(ctx, "a changed account is not announced", "user", userID, "error", err)
	}
}

// execer is a pool or a transaction.
type execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// writeAudit adds a row to the audit log. actorID is "" for the platform itself, role "" if the action concerns none.
func writeAudit(ctx context.Context, to execer, at time.Time, actorID, action, userID string, role Role) error {
	const insert = "INSERT INTO audit_log (at, actor, action, subject, role) VALUES ($1, nullif($2, ''), $3, $4, nullif($5, ''))"
	_, err := to.Exec(ctx, insert, at, actorID, action, userID, string(role))
	if err != nil {
		return unavailable("write the audit log", err)
	}
	return nil
}
