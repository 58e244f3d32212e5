package auth

import (
	"context"
	"errors"
	"slices"
	"time"

	"ticketing/internal/id"
)

// afterthought bounds the cleaning up after a request that failed or ended.
const afterthought = 2 * time.Second

// VerifyMagicLink exchanges a magic link's token for a session, once. It creates the user when an address is proven for the first
// time, and makes users in Config.AdminEmails admins. agent is the client's User-Agent, by which users recognize the session.
// Errors: ErrLinkInvalid, ErrUnavailable (the link is then still valid, unless Redis could not be asked).
func (s *Service) VerifyMagicLink(ctx context.Context, token, agent string) (Session, User, error) {
	l, err := s.takeLink(ctx, token)
	if err != nil {
		return Session{}, User{}, err
	}
	session, user, err := s.signInOnce(ctx, token, l, agent)
	if err != nil && !errors.Is(err, ErrLinkInvalid) {
		return Session{}, User{}, errors.Join(err, s.restoreLink(ctx, token, l))
	}
	return session, user, err
}

// signInOnce makes a session, unless the link was used before: an older copy of Redis may have it again.
func (s *Service) signInOnce(ctx context.Context, token string, l link, agent string) (Session, User, error) {
	used, err := s.wasUsed(ctx, token)
	if err == nil && used {
		err = ErrLinkInvalid
	}
	if err != nil {
		return Session{}, User{}, err
	}
	session, user, err := s.signIn(ctx, l.email, agent)
	if err == nil {
		err = s.noteUsedLink(ctx, token, l)
	}
	if err != nil {
		return Session{}, User{}, err
	}
	return session, user, nil
}

// restoreLink puts back a link that was taken without making a session, so that it still signs in once.
func (s *Service) restoreLink(ctx context.Context, token string, l link) error {
	if !l.expires.After(s.now()) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterthought)
	defer cancel()
	return s.storeLink(ctx, token, l)
}

// signIn makes a session for the user with a proven address.
func (s *Service) signIn(ctx context.Context, email, agent string) (Session, User, error) {
	userID, err := s.upsertUser(ctx, email)
	if err != nil {
		return Session{}, User{}, err
	}
	user, err := s.loadUser(ctx, userID)
	if err != nil {
		return Session{}, User{}, err
	}
	if s.admins[email] && !slices.Contains(user.Roles, RoleAdmin) {
		if err := s.GrantRole(ctx, "", userID, RoleAdmin); err != nil {
			return Session{}, User{}, err
		}
		if user, err = s.loadUser(ctx, userID); err != nil {
			return Session{}, User{}, err
		}
	}
	if err := s.linkGuests(ctx, userID, email); err != nil {
		return Session{}, User{}, err
	}
	session, err := s.newSession(ctx, user, agent)
	return session, user, err
}

// upsertUser returns the id of the user with an address, and creates the user if there is none. Two first sign-ins at once create one
// user.
func (s *Service) upsertUser(ctx context.Context, email string) (string, error) {
	const upsert = `
		WITH signed_in AS (
			INSERT INTO users (id, email, created_at, last_seen_at) VALUES ($1, $2, $3, $3)
			ON CONFLICT (email) DO UPDATE SET last_seen_at = greatest(users.last_seen_at, excluded.last_seen_at)
			RETURNING id
		), made AS (
			SELECT id FROM signed_in WHERE id = $1
		), customer AS (
			INSERT INTO user_roles (user_id, role, granted_at) SELECT id, 'CUSTOMER', $3 FROM made
		), audit AS (
			INSERT INTO audit_log (at, action, subject) SELECT $3, 'USER_CREATED', id FROM made
		)
		SELECT id FROM signed_in`
	var userID string
	if err := s.pool.QueryRow(ctx, upsert, id.New(id.User), email, s.now()).Scan(&userID); err != nil {
		return "", unavailable("sign a user in", err)
	}
	return userID, nil
}
