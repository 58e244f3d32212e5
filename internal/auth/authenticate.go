package auth

import (
	"cmp"
	"context"
	"crypto/subtle"
	"fmt"
	"time"
)

// noteUse is how often a session's use is written down: it expires at most that much early, and most requests write nothing.
const noteUse = time.Minute

// Authenticate answers whose session a token is and what they may be now, and prolongs the session. It costs one round trip to
// Redis, and a query to the auth database where Redis doesn't know the roles. Errors: ErrUnauthenticated, ErrUnavailable.
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
	a, err := s.account(ctx, used.UserID, used.cached)
	if err != nil {
		return Principal{}, err
	}
	if !a.exists {
		return Principal{}, ErrUnauthenticated
	}
	used.Roles = a.roles
	return used.Principal, nil
}

// usedSession is a principal whose roles are still to be found out.
type usedSession struct {
	Principal

	cached any // what Redis knows of the account, nil for nothing
}

// useSession answers whose session it is.
func (s *Service) useSession(ctx context.Context, sessionID string, hash digest) (usedSession, error) {
	often := min(noteUse, s.cfg.SessionTTL/10, s.cfg.SessionIdle/10)
	fields, err := useSession.Run(ctx, s.redis, []string{sessionPrefix + sessionID}, s.now().UnixMilli(), s.cfg.SessionTTL.Milliseconds(),
		s.cfg.SessionIdle.Milliseconds(), often.Milliseconds(), renewWithin.Milliseconds(), sessionPrefix, sessionsPrefix, accountPrefix).Slice()
	if err != nil {
		return usedSession{}, unavailable("look a session up", err)
	}
	const answered = 4 // without the account
	if len(fields) < answered {
		return usedSession{}, ErrUnauthenticated
	}
	texts := make([]string, answered)
	for i := range texts {
		texts[i], _ = fields[i].(string)
	}
	if subtle.ConstantTimeCompare([]byte(texts[1]), []byte(hash.String())) != 1 {
		return usedSession{}, fmt.Errorf("look a session up: %w", ErrUnauthenticated)
	}
	used := usedSession{Principal: Principal{UserID: texts[0], SessionID: cmp.Or(texts[2], sessionID)}}
	if texts[3] != "" {
		if err := parseMillis(texts[3], &used.RenewBy); err != nil {
			return usedSession{}, fmt.Errorf("look a session up: %w", err)
		}
	}
	if len(fields) > answered {
		used.cached = fields[answered]
	}
	return used, nil
}
