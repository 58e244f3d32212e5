package auth

import (
	"cmp"
	"context"
	"crypto/subtle"
	"fmt"
	"strconv"
	"time"
)

// noteUse is how often a session's use is recorded. A session may end that much early, and most requests write nothing.
const noteUse = time.Minute

// Authenticate returns the principal of a token, and extends the session. It takes one round trip to Redis, and a query to the auth
// database if the roles are not cached. Errors: ErrUnauthenticated, ErrUnavailable.
func (s *Service) Authenticate(ctx context.Context, token string) (Principal, error) {
	hash, ok := digestOf(token)
	if !ok {
		return Principal{}, ErrUnauthenticated
	}
	sessionID, err := hash.sessionID()
	if err != nil {
		return Principal{}, err
	}
	used, err := s.useSession(ctx, sessionID, hash)
	if err != nil {
		return Principal{}, err
	}
	a, err := s.accountOf(ctx, used.UserID, used.cached)
	if err != nil {
		return Principal{}, err
	}
	if !a.exists || used.epoch < a.epoch {
		return Principal{}, ErrUnauthenticated
	}
	used.Roles, used.Guest, used.Linked = a.roles, a.guest, a.linked
	return used.Principal, nil
}

// usedSession is a principal without roles yet.
type usedSession struct {
	Principal

	epoch  int64
	cached any // the cached account, nil if there is none
}

// useSession returns the session's user and extends the session.
func (s *Service) useSession(ctx context.Context, sessionID string, hash digest) (usedSession, error) {
	often := min(noteUse, s.cfg.SessionTTL/10, s.cfg.SessionIdle/10)
	fields, err := useSession.Run(ctx, s.redis, []string{sessionPrefix + sessionID}, s.now().UnixMilli(), s.cfg.SessionTTL.Milliseconds(),
		s.cfg.SessionIdle.Milliseconds(), often.Milliseconds(), renewWithin.Milliseconds(), sessionPrefix, sessionsPrefix, accountPrefix).Slice()
	if err != nil {
		return usedSession{}, unavailable("look up a session", err)
	}
	const fixed = 5 // fields before the account
	if len(fields) < fixed {
		return usedSession{}, ErrUnauthenticated
	}
	texts := make([]string, fixed)
	for i := range texts {
		texts[i], _ = fields[i].(string)
	}
	if subtle.ConstantTimeCompare([]byte(texts[1]), []byte(hash.String())) != 1 {
		return usedSession{}, fmt.Errorf("look up a session: %w", ErrUnauthenticated)
	}
	used := usedSession{Principal: Principal{UserID: texts[0], SessionID: cmp.Or(texts[2], sessionID)}}
	if texts[3] != "" {
		if err := parseMillis(texts[3], &used.RenewBy); err != nil {
			return usedSession{}, fmt.Errorf("look up a session: %w", err)
		}
	}
	if used.epoch, err = strconv.ParseInt(texts[4], 10, 64); err != nil {
		return usedSession{}, fmt.Errorf("look up a session: %w", err)
	}
	if len(fields) > fixed {
		used.cached = fields[fixed]
	}
	return used, nil
}
