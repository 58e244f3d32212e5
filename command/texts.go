package command

import (
	"context"

	"ticketing/command/rejection"
	"ticketing/internal/id"
)

// Texts keeps what users write about people outside of the log, where it can be erased.
type Texts interface {
	// KeepText keeps a text about a user under an id, once.
	KeepText(ctx context.Context, textID, userID, text string) error
}

// keepReason keeps a reason about the user that about returns, and returns its id, by which the log names it; "" for none. A retry with the same
// idempotency key gets the same id. What is then refused leaves a text that nothing names, until its user is erased.
func (s *Service) keepReason(ctx context.Context, by Caller, mutation, reason string, about func(context.Context) (userID string, err error)) (textID string, err error) {
	if reason == "" || s.texts == nil {
		return "", nil
	}
	userID, err := about(ctx)
	if _, refused := rejection.As(err); refused || err == nil && userID == "" {
		return "", nil // what it is about does not exist: the decision says so
	}
	if err != nil {
		return "", err
	}
	textID = id.New(id.Text)
	if by.IdempotencyKey != "" {
		textID = id.Derive(id.Text, by.Principal.ID()+"/"+mutation+"/"+by.IdempotencyKey)
	}
	return textID, s.texts.KeepText(ctx, textID, userID, reason)
}
