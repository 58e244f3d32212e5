package auth

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"ticketing/internal/id"
)

const (
	// mostLinked is how many guests are linked to one user: each of them is counted and read with the user's own. Anyone can give any
	// address as a contact, so that without a bound others could make a user's lists slow.
	mostLinked = 50
	// unusedGuestsAtOnce is how many guests who never gave a contact are deleted when a new one comes: more than come, so that none stay.
	unusedGuestsAtOnce = 5
)

// Contact is where a guest's mails go. The address is not proven.
type Contact struct {
	Name, Email string
}

// StartGuest makes a user without an address, and a session. agent is as in VerifyMagicLink. Error: ErrUnavailable.
func (s *Service) StartGuest(ctx context.Context, agent string) (Session, User, error) {
	const insert = `
		WITH guest AS (
			INSERT INTO users (id, guest, created_at, last_seen_at) VALUES ($1, true, $2, $2) RETURNING id
		) INSERT INTO user_roles (user_id, role, granted_at) SELECT id, 'CUSTOMER', $2 FROM guest`
	userID := id.New(id.User)
	if _, err := s.pool.Exec(ctx, insert, userID, s.now()); err != nil {
		return Session{}, User{}, unavailable("add a guest", err)
	}
	s.deleteUnusedGuests(ctx)
	user, err := s.loadUser(ctx, userID)
	if err != nil {
		return Session{}, User{}, err
	}
	session, err := s.newSession(ctx, user, agent)
	return session, user, err
}

// deleteUnusedGuests deletes a few guests who can't come back: they gave no contact, so that they bought nothing, and their session is over.
func (s *Service) deleteUnusedGuests(ctx context.Context) {
	const remove = `
		WITH unused AS (
			SELECT id FROM users u
			WHERE guest AND contact_email IS NULL AND erased_at IS NULL AND created_at < $1
				AND NOT EXISTS (SELECT FROM audit_log WHERE subject = u.id)
			ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED
		), roles AS (
			DELETE FROM user_roles WHERE user_id IN (SELECT id FROM unused)
		), about AS (
			DELETE FROM texts WHERE user_id IN (SELECT id FROM unused)
		) DELETE FROM users WHERE id IN (SELECT id FROM unused)`
	if _, err := s.pool.Exec(ctx, remove, s.now().Add(-s.cfg.SessionMax), unusedGuestsAtOnce); err != nil {
		s.log.WarnContext(ctx, "unused guests not deleted", "error", err)
	}
}

// SetContact keeps a guest's name and address, instead of those given before. Errors: ErrEmailInvalid, ErrNotGuest, ErrUnavailable.
func (s *Service) SetContact(ctx context.Context, userID string, c Contact) error {
	email, err := NormalizeEmail(c.Email)
	if err != nil {
		return err
	}
	const update = "UPDATE users SET name = $2, contact_email = $3 WHERE id = $1 AND guest AND erased_at IS NULL"
	tag, err := s.pool.Exec(ctx, update, userID, c.Name, email)
	if err != nil {
		return unavailable("keep a guest's contact", err)
	}
	if tag.RowsAffected() == 0 {
		return ErrNotGuest
	}
	return nil
}

// linkGuests gives a user who has proven an address the guests who gave it as their contact, the newest first, up to mostLinked in all.
func (s *Service) linkGuests(ctx context.Context, userID, email string) error {
	const waiting = `
		SELECT EXISTS (SELECT FROM users WHERE contact_email = $2 AND guest AND linked_to IS NULL)
			AND (SELECT count(*) FROM users WHERE linked_to = $1) < $3`
	var some bool
	if err := s.pool.QueryRow(ctx, waiting, userID, email, mostLinked).Scan(&some); err != nil {
		return unavailable("find a user's guests", err)
	}
	if !some {
		return nil
	}
	const link = `
		UPDATE users SET linked_to = $1 WHERE id IN (
			SELECT id FROM users WHERE contact_email = $2 AND guest AND linked_to IS NULL ORDER BY id DESC
			LIMIT greatest(0, $3 - (SELECT count(*) FROM users WHERE linked_to = $1)))`
	return s.changeUser(ctx, userID, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, link, userID, email, mostLinked); err != nil {
			return unavailable("link a user's guests", err)
		}
		return nil
	})
}

// GuestsOf returns the guests who are erased with a user: those who are linked, and those who would be at the next sign-in. Error:
// ErrUnavailable.
func (s *Service) GuestsOf(ctx context.Context, userID string) ([]string, error) {
	const query = `
		SELECT g.id FROM users u JOIN users g ON g.linked_to = u.id OR g.contact_email = u.email AND g.linked_to IS NULL
		WHERE u.id = $1 AND NOT u.guest AND g.erased_at IS NULL ORDER BY g.id`
	rows, err := s.pool.Query(ctx, query, userID)
	if err != nil {
		return nil, unavailable("find a user's guests", err)
	}
	guests, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, unavailable("find a user's guests", err)
	}
	return guests, nil
}

// eraseGuests erases the guests of a user, who is erased next.
func (s *Service) eraseGuests(ctx context.Context, actorID, userID string) error {
	guests, err := s.GuestsOf(ctx, userID)
	if err != nil {
		return err
	}
	for _, guest := range guests {
		if err := s.EraseUser(ctx, actorID, guest); err != nil {
			return fmt.Errorf("erase a guest: %w", err)
		}
	}
	return nil
}
