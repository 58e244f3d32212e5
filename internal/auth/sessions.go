package auth

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

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
		sessionID, userID, sessionPrefix, sessionsPrefix, changesChannel).Bool()
	if err != nil {
		return false, unavailable("end a session", err)
	}
	return ended, nil
}

// SignOutAll ends all sessions of a user but the one called keep; "" ends all. Where actorID is somebody else (an admin), the audit log
// gets to know before. Error: ErrUnavailable.
func (s *Service) SignOutAll(ctx context.Context, actorID, userID, keep string) error {
	if actorID != "" && actorID != userID {
		if err := audit(ctx, s.pool, s.now(), actorID, "SESSIONS_ENDED", userID, ""); err != nil {
			return err
		}
	}
	err := endAllSessions.Run(ctx, s.redis, []string{sessionsPrefix + userID}, keep, sessionPrefix, changesChannel).Err()
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
	records := make([]*redis.MapStringStringCmd, len(ids))
	_, err = s.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, sessionID := range ids {
			records[i] = p.HGetAll(ctx, sessionPrefix+sessionID)
		}
		return nil
	})
	if err != nil {
		return nil, unavailable("read the sessions of a user", err)
	}
	sessions := make([]Session, 0, len(ids))
	for i, record := range records {
		session, err := parseSession(ids[i], record.Val())
		if err != nil {
			return nil, err
		}
		if session.IdleExpiresAt.After(s.now()) { // else it ended, but is still listed
			sessions = append(sessions, session)
		}
	}
	return sessions, nil
}

// session reads one session.
func (s *Service) session(ctx context.Context, sessionID string) (Session, error) {
	record, err := s.redis.HGetAll(ctx, sessionPrefix+sessionID).Result()
	if err != nil {
		return Session{}, unavailable("read a session", err)
	}
	return parseSession(sessionID, record)
}

// parseSession reads a session's record; one that is gone is the zero Session.
func parseSession(sessionID string, record map[string]string) (Session, error) {
	if record["user"] == "" {
		return Session{}, nil
	}
	session := Session{ID: sessionID, UserID: record["user"], UserAgent: record["agent"]}
	var renew time.Time
	err := errors.Join(
		parseMillis(record["created"], &session.CreatedAt), parseMillis(record["seen"], &session.LastSeenAt),
		parseMillis(record["expires"], &session.ExpiresAt), parseMillis(record["idle"], &session.IdleExpiresAt),
	)
	if due := record["renew"]; due != "" {
		err = errors.Join(err, parseMillis(due, &renew))
		session.RenewBy = &renew
	}
	if err != nil {
		return Session{}, fmt.Errorf("read a session's record: %w", err)
	}
	return session, nil
}

func parseMillis(text string, into *time.Time) error {
	millis, err := strconv.ParseInt(text, 10, 64)
	*into = time.UnixMilli(millis)
	return err
}
