package auth

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// SignOut ends the session of a token. A session that has ended already is no error. Error: ErrUnavailable.
func (s *Service) SignOut(ctx context.Context, token string) error {
	hash, ok := digestOf(token)
	if !ok {
		return nil
	}
	sessionID, err := hash.sessionID()
	if err != nil {
		return err
	}
	userID, err := s.redis.HGet(ctx, sessionPrefix+sessionID, "user").Result()
	if errors.Is(err, redis.Nil) {
		return nil
	}
	if err != nil {
		return unavailable("end a session", err)
	}
	_, err = s.endSession(ctx, userID, sessionID)
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

// endSession ends a session of a user, and reports whether there was one.
func (s *Service) endSession(ctx context.Context, userID, sessionID string) (bool, error) {
	epoch := s.nextEpoch(ctx, userID)
	ended, err := endSession.Run(ctx, s.redis, []string{sessionPrefix + sessionID},
		sessionID, userID, sessionPrefix, sessionsPrefix, changesChannel, epoch).Bool()
	if err != nil {
		return false, unavailable("end a session", err)
	}
	if !ended {
		return false, nil
	}
	return true, s.raiseEpoch(ctx, userID, epoch)
}

// SignOutAll ends all sessions of a user except the one with the id keep ("": none). If the actor is another user, an admin, it writes
// the audit log first. Error: ErrUnavailable.
func (s *Service) SignOutAll(ctx context.Context, actorID, userID, keep string) error {
	if actorID != "" && actorID != userID {
		if err := writeAudit(ctx, s.pool, s.now(), actorID, "SESSIONS_ENDED", userID, ""); err != nil {
			return err
		}
	}
	epoch := s.nextEpoch(ctx, userID)
	err := endAllSessions.Run(ctx, s.redis, []string{sessionsPrefix + userID}, keep, sessionPrefix, changesChannel, epoch).Err()
	if err != nil {
		return unavailable("end all sessions of a user", err)
	}
	return s.raiseEpoch(ctx, userID, epoch)
}

// Sessions returns the sessions of a user that have not ended, newest first. Error: ErrUnavailable.
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
		if session.IdleExpiresAt.After(s.now()) { // else it has ended, but is still listed
			sessions = append(sessions, session)
		}
	}
	return sessions, nil
}

// loadSession reads a session.
func (s *Service) loadSession(ctx context.Context, sessionID string) (Session, error) {
	record, err := s.redis.HGetAll(ctx, sessionPrefix+sessionID).Result()
	if err != nil {
		return Session{}, unavailable("read a session", err)
	}
	return parseSession(sessionID, record)
}

// parseSession parses a session's record. It returns the zero Session for a record that is gone.
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
