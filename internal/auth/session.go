package auth

import (
	"context"
	"strings"
	"time"

	"ticketing/internal/text"
)

// Session is a signed-in browser or client. It ends at the first of three moments: IdleExpiresAt, unless it is used before; ExpiresAt; and,
// if the user's roles have changed since its token was made, RenewBy.
type Session struct {
	ID            string // "ses_…": names the session, can't be used as its token
	Token         string // set only by VerifyMagicLink and RenewSession: it is not stored
	UserID        string
	UserAgent     string // of the client that signed in
	CreatedAt     time.Time
	LastSeenAt    time.Time  // to the minute
	ExpiresAt     time.Time  // moves while the session is used, up to Config.SessionMax after the sign-in
	IdleExpiresAt time.Time  // moves while the session is used
	RenewBy       *time.Time // nil if no renewal is due
}

const (
	// renewWithin is how long a session has to be renewed after its user's roles changed.
	renewWithin = 24 * time.Hour
	// replacedGrace is how long a renewed session's old token stays valid, for requests under way.
	replacedGrace = 30 * time.Second
	// longestAgent is how many bytes of a User-Agent are stored.
	longestAgent = 300
)

// newSession makes a session. If the user then has too many, it ends the oldest.
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
		s.cfg.SessionIdle.Milliseconds(), s.cfg.SessionMax.Milliseconds(), s.cfg.MaxSessions, account{roles: user.Roles}.roleNames(),
		agent, sessionPrefix, changesChannel, user.epoch).Err()
	if err != nil {
		return Session{}, unavailable("make a session", err)
	}
	session := Session{ID: sessionID, Token: token, UserID: user.ID, UserAgent: agent, CreatedAt: now, LastSeenAt: now}
	s.extendSession(&session)
	return session, nil
}

// extendSession sets when a session ends that was used at LastSeenAt, as the scripts do.
func (s *Service) extendSession(session *Session) {
	session.ExpiresAt = earlierOf(session.LastSeenAt.Add(s.cfg.SessionTTL), session.CreatedAt.Add(s.cfg.SessionMax))
	session.IdleExpiresAt = earlierOf(session.LastSeenAt.Add(s.cfg.SessionIdle), session.ExpiresAt)
}

func earlierOf(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// RenewSession exchanges the token of a session for a new one, which counts as the same sign-in. The old token stays valid for half a minute,
// for requests under way; streams that were opened with it end and have to reconnect. A client renews after its user's roles changed, so
// that a token stolen before gains nothing by the new roles. Errors: ErrUnauthenticated (also for a token that was renewed already),
// ErrUnavailable.
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
		s.cfg.SessionIdle.Milliseconds(), s.cfg.SessionMax.Milliseconds(), account{roles: p.Roles}.roleNames(),
		replacedGrace.Milliseconds(), sessionsPrefix, changesChannel).Bool()
	if err != nil {
		return Session{}, unavailable("renew a session", err)
	}
	if !renewed {
		return Session{}, ErrUnauthenticated
	}
	session, err := s.loadSession(ctx, newID)
	session.Token = newToken
	return session, err
}
