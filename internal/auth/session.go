package auth

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// Session is a person signed in somewhere.
type Session struct {
	ID         string // "ses_…": names the session, can't be used as its token
	Token      string // only in the answer of VerifyMagicLink: it is stored nowhere
	UserID     string
	CreatedAt  time.Time
	LastSeenAt time.Time // to the minute
	ExpiresAt  time.Time // moves while the session is used
}

// newSession makes a session; the user's oldest ends where there would be too many.
func (s *Service) newSession(ctx context.Context, userID string) (Session, error) {
	token := newToken()
	hash, _ := digestOf(token)
	sessionID, err := hash.sessionID()
	if err != nil {
		return Session{}, err
	}
	now := s.now()
	keys := []string{sessionPrefix + sessionID, sessionsPrefix + userID}
	err = createSession.Run(ctx, s.redis, keys, sessionID, userID, hash.String(), now.UnixMilli(),
		s.cfg.SessionTTL.Milliseconds(), s.cfg.MaxSessions, sessionPrefix, changesChannel).Err()
	if err != nil {
		return Session{}, unavailable("make a session", err)
	}
	return Session{ID: sessionID, Token: token, UserID: userID, CreatedAt: now, LastSeenAt: now,
		ExpiresAt: now.Add(s.cfg.SessionTTL)}, nil
}

// SignOut ends the session of a token; one that ended already is no error. Error: ErrUnavailable.
func (s *Service) SignOut(ctx context.Context, token string) error {
	hash, ok := digestOf(token)
	if !ok {
		return nil
	}
	sessionID, err := hash.sessionID()
	if err != nil {
		return err
	}
	_, err = s.endSession(ctx, "", sessionID)
	return err
}

// SignOutSession ends one session of a user. Errors: ErrSessionNotFound, ErrUnavailable.
func (s *Service) SignOutSession(ctx context.Context, userID, sessionID string) error {
	ended, err := s.endSession(ctx, userID, sessionID)
	if err == nil && !ended {
		return ErrSessionNotFound
	}
	return err
}

// endSession ends a session, of the user only when userID is not "", and says whether there was one.
func (s *Service) endSession(ctx context.Context, userID, sessionID string) (bool, error) {
	ended, err := endSession.Run(ctx, s.redis, []string{sessionPrefix + sessionID},
		sessionID, userID, sessionsPrefix, changesChannel).Bool()
	if err != nil {
		return false, unavailable("end a session", err)
	}
	return ended, nil
}

// SignOutAll ends all sessions of a user. Error: ErrUnavailable.
func (s *Service) SignOutAll(ctx context.Context, userID string) error {
	err := endAllSessions.Run(ctx, s.redis, []string{sessionsPrefix + userID}, sessionPrefix, changesChannel).Err()
	if err != nil {
		return unavailable("end all sessions of a user", err)
	}
	return nil
}

// Sessions answers the living sessions of a user, newest first. Error: ErrUnavailable.
func (s *Service) Sessions(ctx context.Context, userID string) ([]Session, error) {
	ids, err := s.redis.ZRangeArgs(ctx, redis.ZRangeArgs{Key: sessionsPrefix + userID, Start: 0, Stop: -1, Rev: true}).Result()
	if err != nil {
		return nil, unavailable("list the sessions of a user", err)
	}
	records := make([]*redis.SliceCmd, len(ids))
	_, err = s.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, sessionID := range ids {
			records[i] = p.HMGet(ctx, sessionPrefix+sessionID, "created", "seen", "expires")
		}
		return nil
	})
	if err != nil {
		return nil, unavailable("read the sessions of a user", err)
	}
	sessions := make([]Session, 0, len(ids))
	for i, record := range records {
		times, err := parseTimes(record.Val())
		if err != nil {
			return nil, err
		}
		if times == nil || !times[2].After(s.now()) {
			continue // ended, but still listed
		}
		sessions = append(sessions, Session{ID: ids[i], UserID: userID, CreatedAt: times[0], LastSeenAt: times[1], ExpiresAt: times[2]})
	}
	return sessions, nil
}

// parseTimes reads the milliseconds of a session's record; nil when the record is gone.
func parseTimes(fields []any) ([]time.Time, error) {
	times := make([]time.Time, len(fields))
	for i, field := range fields {
		text, ok := field.(string)
		if !ok {
			return nil, nil
		}
		millis, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("read a session's record: %w", err)
		}
		times[i] = time.UnixMilli(millis)
	}
	return times, nil
}
