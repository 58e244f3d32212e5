package auth

import (
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
	userID, cached, err := s.useSession(ctx, sessionID, hash)
	if err != nil {
		return Principal{}, err
	}
	a, err := s.account(ctx, userID, cached)
	if err != nil {
		return Principal{}, err
	}
	if !a.exists {
		return Principal{}, ErrUnauthenticated
	}
	return Principal{UserID: userID, SessionID: sessionID, Roles: a.roles}, nil
}

// useSession answers the session's user and what Redis knows of their account, nil for nothing.
func (s *Service) useSession(ctx context.Context, sessionID string, hash digest) (userID string, cached any, err error) {
	often := min(noteUse, s.cfg.SessionTTL/10)
	fields, err := useSession.Run(ctx, s.redis, []string{sessionPrefix + sessionID}, s.now().UnixMilli(),
		s.cfg.SessionTTL.Milliseconds(), often.Milliseconds(), sessionsPrefix, accountPrefix).Slice()
	if err != nil {
		return "", nil, unavailable("look a session up", err)
	}
	if len(fields) < 2 {
		return "", nil, ErrUnauthenticated
	}
	userID, _ = fields[0].(string)
	stored, _ := fields[1].(string)
	if subtle.ConstantTimeCompare([]byte(stored), []byte(hash.String())) != 1 {
		return "", nil, fmt.Errorf("look a session up: %w", ErrUnauthenticated)
	}
	if len(fields) > 2 {
		cached = fields[2]
	}
	return userID, cached, nil
}
