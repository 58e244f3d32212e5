package graph

import (
	"context"
	"errors"

	"github.com/99designs/gqlgen/graphql"

	"ticketing/graph/apierror"
	"ticketing/graph/request"
	"ticketing/graph/transport"
	"ticketing/internal/auth"
	"ticketing/internal/ratelimit"
)

var _ transport.Host = (*Server)(nil)

// Executor implements transport.Host. Only admins may read the schema.
func (s *Server) Executor(ctx context.Context) graphql.GraphExecutor {
	if viewerOf(ctx).HasRole(auth.RoleAdmin) {
		return s.open
	}
	return s.closed
}

// SignIn implements transport.Host. A bearer token must be valid. A cookie that is out of date counts as none: otherwise its browser could
// not even sign in again.
func (s *Server) SignIn(ctx context.Context, c transport.Credentials) (context.Context, error) {
	token, fromCookie := c.Bearer, false
	if token == "" {
		token, fromCookie = c.Cookie, true
	}
	if token == "" {
		return ctx, nil
	}
	viewer, err := s.resolver.auth.Authenticate(ctx, token)
	switch {
	case fromCookie && errors.Is(err, auth.ErrUnauthenticated):
		return ctx, nil
	case err != nil:
		return ctx, publicError(err)
	}
	info := request.From(ctx)
	info.Token, info.TokenFromCookie = token, fromCookie
	if fromCookie && !viewer.RenewBy.IsZero() && info.SetCookie != nil {
		viewer.SessionID, info.Token = s.renewCookie(ctx, viewer, info)
	}
	return auth.WithPrincipal(request.With(ctx, info), viewer), nil
}

// SignedIn implements transport.Host.
func (*Server) SignedIn(ctx context.Context) bool {
	_, signedIn := auth.FromContext(ctx)
	return signedIn
}

// Proven implements transport.Host.
func (*Server) Proven(ctx context.Context) bool {
	viewer, signedIn := auth.FromContext(ctx)
	return signedIn && !viewer.Guest
}

// renewCookie gives a browser's session a new token, because the user's roles changed. If that fails, the next request tries again; or a
// concurrent request has done it already.
func (s *Server) renewCookie(ctx context.Context, viewer auth.Principal, info request.Info) (sessionID, token string) {
	renewed, err := s.resolver.auth.RenewSession(ctx, info.Token)
	if err != nil {
		return viewer.SessionID, info.Token
	}
	info.WantsCookie = true
	deliverSession(info, renewed)
	return renewed.ID, renewed.Token
}

// OnSessionChange implements transport.Host.
func (s *Server) OnSessionChange(ctx context.Context, changed func()) {
	if viewer, signedIn := auth.FromContext(ctx); signedIn {
		s.resolver.auth.WatchSession(ctx, viewer, changed)
	}
}

// SessionOver implements transport.Host.
func (s *Server) SessionOver(ctx context.Context) bool {
	_, err := s.resolver.auth.Authenticate(ctx, request.From(ctx).Token)
	return errors.Is(err, auth.ErrUnauthenticated)
}

// AllowMessage implements transport.Host: it counts by user, or by IP address for those who are not signed in.
func (s *Server) AllowMessage(ctx context.Context) error {
	key := "ip:" + ratelimit.IPKey(request.From(ctx).ClientIP)
	if viewer, signedIn := auth.FromContext(ctx); signedIn {
		key = viewer.UserID
	}
	if err := s.resolver.checkRate(ctx, "messages", key, s.resolver.limits.Messages); err != nil {
		return publicError(err)
	}
	return nil
}

// OpenFromAddress implements transport.Host.
func (s *Server) OpenFromAddress(ctx context.Context) (release func(), err error) {
	return s.openConnection(ctx, "connections-ip", ratelimit.IPKey(request.From(ctx).ClientIP), s.resolver.limits.ConnectionsPerIP)
}

// OpenForUser implements transport.Host.
func (s *Server) OpenForUser(ctx context.Context) (release func(), err error) {
	viewer, signedIn := auth.FromContext(ctx)
	if !signedIn {
		return func() {}, nil
	}
	return s.openConnection(ctx, "connections-user", viewer.UserID, s.resolver.limits.ConnectionsPerUser)
}

func (s *Server) openConnection(ctx context.Context, name, key string, most int) (release func(), err error) {
	release, d := s.connections.Open(ctx, name, key, most)
	if !d.Allowed {
		return release, apierror.New(apierror.RateLimited, "too many open connections; close some first").After(d.RetryAfter)
	}
	return release, nil
}
