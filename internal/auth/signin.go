package auth

import (
	"context"
	"errors"
	"slices"
	"time"

	"ticketing/internal/id"
)

// afterthought bounds what is put right after a request failed or ended.
const afterthought = 2 * time.Second

// VerifyMagicLink exchanges a magic link's token, once, for a session; the user is made at the first proof of an address, and
// whoever is in Config.AdminEmails becomes an admin. Errors: ErrLinkInvalid, ErrUnavailable (the link is then still good, as far as
// Redis could be told). agent is what the client calls itself, for the person to know the session by.
func (s *Service) VerifyMagicLink(ctx context.Context, token, agent string) (Session, User, error) {
	l, err := s.takeLink(ctx, token)
	if err != nil {
		return Session{}, User{}, err
	}
	session, user, err := s.signIn(ctx, l.email, agent)
	if err != nil {
		return Session{}, User{}, errors.Join(err, s.giveBack(ctx, token, l))
	}
	return session, user, nil
}

// giveBack restores a link that was taken for nothing. There is no session from it, so it still signs in once.
func (s *Service) giveBack(ctx context.Context, token string, l link) error {
	if !l.expires.After(s.now()) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterthought)
	defer cancel()
	return s.storeLink(ctx, token, l)
}

// signIn gives the owner of a proven address a session.
func (s *Service) signIn(ctx context.Context, email, agent string) (Session, User, error) {
	userID, err := s.userOf(ctx, email)
	if err != nil {
		return Session{}, User{}, err
	}
	user, err := s.user(ctx, userID)
	if err != nil {
		return Session{}, User{}, err
	}
	if s.admins[email] && !slices.Contains(user.Roles, RoleAdmin) {
		if err := s.GrantRole(ctx, "", userID, RoleAdmin); err != nil {
			return Session{}, User{}, err
		}
		if user, err = s.user(ctx, userID); err != nil {
			return Session{}, User{}, err
		}
	}
	session, err := s.newSession(ctx, user, agent)
	return session, user, err
}

// userOf answers the id of the address' owner. It makes the user where there is none: two first sign-ins at once make one.
func (s *Service) userOf(ctx context.Context, email string) (string, error) {
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
