package graph

import (
	"context"
	"errors"

	"ticketing/command/rejection"
	"ticketing/graph/apierror"
	"ticketing/graph/model"
	"ticketing/graph/request"
	"ticketing/internal/auth"
	"ticketing/internal/id"
)

// RenewSession implements generated.MutationResolver.
func (r mutationResolver) RenewSession(ctx context.Context) (*model.RenewSessionPayload, error) {
	info := request.From(ctx)
	session, err := r.people.RenewSession(ctx, info.Token)
	if errors.Is(err, auth.ErrUnauthenticated) {
		return nil, apierror.New(apierror.Unauthenticated, "this token was renewed before; use the new one")
	}
	if err != nil {
		return nil, err
	}
	info.WantsCookie = info.TokenFromCookie
	return &model.RenewSessionPayload{SessionToken: keepSession(info, session), ExpiresAt: &session.ExpiresAt}, nil
}

// RevokeSession implements generated.MutationResolver.
func (r mutationResolver) RevokeSession(ctx context.Context, in model.RevokeSessionInput) (*model.UserPayload, error) {
	var c check
	if c.id(id.Session, in.SessionID, "sessionId"); c.errs != nil {
		return &model.UserPayload{UserErrors: c.errs}, nil
	}
	viewer, _ := auth.FromContext(ctx) // @auth has seen to it that there is one
	return r.changeUser(ctx, viewer.UserID, func(userID string) error {
		err := r.people.SignOutSession(ctx, userID, in.SessionID)
		if errors.Is(err, auth.ErrSessionNotFound) {
			return rejection.New(rejection.NotFound, "there is no such session of yours").At("sessionId")
		}
		return err
	})
}

// RevokeAllSessions implements generated.MutationResolver.
func (r mutationResolver) RevokeAllSessions(ctx context.Context, in *model.RevokeAllSessionsInput) (*model.UserPayload, error) {
	viewer, _ := auth.FromContext(ctx) // @auth has seen to it that there is one
	userID, keep := viewer.UserID, ""
	if in != nil && in.UserID != nil {
		userID = *in.UserID
	}
	if in != nil && in.KeepCurrent {
		keep = viewer.SessionID
	}
	if !isViewer(ctx, userID) {
		return nil, errForbidden
	}
	return r.changeUser(ctx, userID, func(actorID string) error { return r.people.SignOutAll(ctx, actorID, userID, keep) })
}

// Sessions implements generated.UserResolver.
func (r userResolver) Sessions(ctx context.Context, u *model.User) ([]*model.Session, error) {
	if !seesUser(ctx, u) {
		return nil, errForbidden
	}
	found, err := r.people.Sessions(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	viewer, _ := auth.FromContext(ctx)
	sessions := make([]*model.Session, len(found))
	for i, s := range found {
		sessions[i] = &model.Session{Session: s, Current: s.ID == viewer.SessionID}
	}
	return sessions, nil
}

type sessionResolver struct{ *Resolver }

// UserAgent implements generated.SessionResolver.
func (sessionResolver) UserAgent(_ context.Context, s *model.Session) (*string, error) {
	return orNull(s.UserAgent), nil
}
