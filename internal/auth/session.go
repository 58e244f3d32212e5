package auth

import (
	"context"
	"strings"
	"time"

	"ticketing/internal/text"
)

// Session is a person signed in somewhere. It ends at the first of three moments: IdleExpiresAt, unless it is used before; ExpiresAt; and,
// when the user's roles have changed since its token was made, RenewBy.
type Session struct {
	ID            string // "ses_…": names the session, can't be used as its token
	Token         string // only in the answers of VerifyMagicLink and RenewSession: it is stored nowhere
	UserID        string
	UserAgent     string // what signed in, as it called itself
	CreatedAt     time.Time
	LastSeenAt    time.Time  // to the minute
	ExpiresAt     time.Time  // moves while the session is used, up to Config.SessionMax after the sign-in
	IdleExpiresAt time.Time  // moves while the session is used
	RenewBy       *time.Time // nil when nothing is due
}

const (
	// renewWithin is how long a session has to be renewed after its user's roles changed.
	renewWithin = 24 * time.Hour
	// replacedGrace is how long a renewed session's old token stays good, for requests that are on their way.
	replacedGrace = 30 * time.Second
	// longestAgent is how much is kept of what a client calls itself.
	longestAgent = 300
)

// newSession makes a session; the user's oldest ends where there would be too many.
func (s *Service) newSession(ctx context.Context, user User, agent string) (Session, error) {
	token := newToken()
	hash, _ := digestOf(token)
	sessionID, err := hash.sessionID()
	if err != nil {
		return Session{}, err
	}
	agent = strings.ToValidUTF8(text.Clip(agent, longestAgent), "")
	now := s.now()
	keys := []string{sessionPrefix + sessionID, sessionsPrefix + user.ID}
	err = createSession.Run(ctx, s.redis, keys, sessionID, user.ID, hash.String(), now.UnixMilli(), s.cfg.SessionTTL.Milliseconds(),
		s.cfg.SessionIdle.Milliseconds(), s.cfg.SessionMax.Milliseconds(), s.cfg.MaxSessions, account{exists: true, roles: user.Roles}.entry(),
		agent, sessionPrefix, changesChannel).Err()
	if err != nil {
		return Session{}, unavailable("make a session", err)
	}
	session := Session{ID: sessionID, Token: token, UserID: user.ID, UserAgent: agent, CreatedAt: now, LastSeenAt: now}
	s.prolong(&session)
	return session, nil
}

// prolong says when a session ends that is used now, as the scripts do.
func (s *Service) prolong(session *Session) {
	session.ExpiresAt = earlier(session.LastSeenAt.Add(s.cfg.SessionTTL), session.CreatedAt.Add(s.cfg.SessionMax))
	session.IdleExpiresAt = earlier(session.LastSeenAt.Add(s.cfg.SessionIdle), session.ExpiresAt)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// RenewSession exchanges the token of a living session for a new one, which counts as the same sign-in. The old token stays good for half a
// minute, for requests that are on their way; streams that were opened with it are told to come back. It is what a client does after its
// user's roles changed, so that a token that somebody else may have got hold of before gains nothing by it. Errors: ErrUnauthenticated
// (also for a token that was renewed already), ErrUnavailable.
func (s *Service) RenewSession(ctx context.Context, token string) (Session, error) {
	p, err := s.Authenticate(ctx, token)
	if err != nil {
		return Session{}, err
	}
	hash, _ := digestOf(token)
	oldID, err := hash.sessionID()
	if err != nil {
		return Session{}, err
	}
	newToken := newToken()
	newHash, _ := digestOf(newToken)
	newID, err := newHash.sessionID()
	if err != nil {
		return Session{}, err
	}
	keys := []string{sessionPrefix + oldID, sessionPrefix + newID}
	renewed, err := renewSession.Run(ctx, s.redis, keys, oldID, newID, newHash.String(), s.now().UnixMilli(), s.cfg.SessionTTL.Milliseconds(),
		s.cfg.SessionIdle.Milliseconds(), s.cfg.SessionMax.Milliseconds(), account{exists: true, roles: p.Roles}.entry(),
		replacedGrace.Milliseconds(), sessionsPrefix, changesChannel).Bool()
	if err != nil {
		return Session{}, unavailable("renew a session", err)
	}
	if !renewed {
		return Session{}, ErrUnauthenticated
	}
	session, err := s.session(ctx, newID)
	session.Token = newToken
	return session, err
}
