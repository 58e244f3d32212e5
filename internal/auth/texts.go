package auth

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Texts are what was written about users, such as reasons. The log has their ids; they are erased with the user they are about.
type Texts struct{ pool *pgxpool.Pool }

// NewTexts returns the texts of the auth database.
func NewTexts(pool *pgxpool.Pool) Texts { return Texts{pool} }

// KeepText keeps a text about a user under an id; once, and not about a user who was erased. Error: ErrUnavailable.
func (t Texts) KeepText(ctx context.Context, textID, userID, text string) error {
	_, err := t.pool.Exec(ctx, `INSERT INTO texts (id, user_id, text, written_at)
		SELECT $1, $2, $3, now() WHERE NOT EXISTS (SELECT FROM users WHERE id = $2 AND erased_at IS NOT NULL)
		ON CONFLICT DO NOTHING`, textID, userID, text)
	if err != nil {
		return unavailable("keep a text", err)
	}
	return nil
}

// ReadTexts returns the texts with the given ids, as far as they were not erased, by id. Error: ErrUnavailable.
func (t Texts) ReadTexts(ctx context.Context, ids []string) (map[string]string, error) {
	rows, err := t.pool.Query(ctx, `SELECT id, text FROM texts WHERE id = ANY($1)`, ids)
	if err != nil {
		return nil, unavailable("read texts", err)
	}
	texts := make(map[string]string, len(ids))
	var id, text string
	if _, err := pgx.ForEachRow(rows, []any{&id, &text}, func() error { texts[id] = text; return nil }); err != nil {
		return nil, unavailable("read texts", err)
	}
	return texts, nil
}

// ReadTexts is that of the service's Texts.
func (s *Service) ReadTexts(ctx context.Context, ids []string) (map[string]string, error) {
	return NewTexts(s.pool).ReadTexts(ctx, ids)
}
