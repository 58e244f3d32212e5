package auth

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// Redis may be replaced by an older copy of it: after a crash, or restored from a backup. What ended meanwhile is in that copy as if it
// had not. So the auth database keeps an epoch for each user, which rises whenever a session of theirs is ended. Each session has the epoch
// that it was made in, and moves along when another one ends. A session of an earlier epoch has ended, whatever Redis says. (An account
// that is cached in the copy too can hide that for accountTTL.)
//
// Redis is changed first: a session that is ahead of its user's epoch is valid, so that no other session is refused in between.

// nextEpoch returns the epoch that the sessions of a user move to when one of them ends. It is 0, which moves nothing, if there is no such
// user or the database can't be asked: ending a session must not wait for that.
func (s *Service) nextEpoch(ctx context.Context, userID string) (epoch int64) {
	err := s.pool.QueryRow(ctx, `SELECT epoch + 1 FROM users WHERE id = $1`, userID).Scan(&epoch)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		s.log.WarnContext(ctx, "an ended session comes back if Redis is replaced by an older copy: its end is not in the database", "error", err)
	}
	return epoch
}

// raiseEpoch makes sessions of earlier epochs invalid.
func (s *Service) raiseEpoch(ctx context.Context, userID string, epoch int64) error {
	if epoch == 0 {
		return nil
	}
	if _, err := s.pool.Exec(ctx, `UPDATE users SET epoch = $2 WHERE id = $1 AND epoch < $2`, userID, epoch); err != nil {
		return unavailable("raise a user's epoch", err)
	}
	return nil
}

// noteUsedLink remembers that a link was used, until it expires. It forgets some that have expired.
func (s *Service) noteUsedLink(ctx context.Context, token string, l link) error {
	const note = `
		WITH forgotten AS (
			DELETE FROM used_links WHERE hash IN (
				SELECT hash FROM used_links WHERE expires_at < $3 ORDER BY expires_at LIMIT 10 FOR UPDATE SKIP LOCKED)
		)
		INSERT INTO used_links (hash, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING`
	hash, _ := digestOf(token)
	if _, err := s.pool.Exec(ctx, note, hash.String(), l.expires, s.now()); err != nil {
		return unavailable("remember a used link", err)
	}
	return nil
}

// wasUsed reports whether a link was used before.
func (s *Service) wasUsed(ctx context.Context, token string) (used bool, err error) {
	hash, _ := digestOf(token)
	if err := s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM used_links WHERE hash = $1)`, hash.String()).Scan(&used); err != nil {
		return false, unavailable("look for a used link", err)
	}
	return used, nil
}
