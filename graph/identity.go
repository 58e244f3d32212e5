package graph

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"

	"github.com/99designs/gqlgen/graphql"

	"ticketing/command/rejection"
	"ticketing/graph/apierror"
	"ticketing/graph/model"
	"ticketing/graph/request"
	"ticketing/internal/auth"
	"ticketing/internal/id"
	"ticketing/internal/ratelimit"
)

// SessionCookie is the name of the cookie that keeps a session. Because of its prefix, browsers accept it from this host only.
const SessionCookie = "__Host-ticketing_session"

type sessionResolver struct{ *Resolver }

// Me implements generated.QueryResolver.
func (r queryResolver) Me(ctx context.Context) (*model.User, error) {
	viewer, signedIn := auth.FromContext(ctx)
	if !signedIn {
		return nil, nil //nolint:nilnil // null when signed out
	}
	if selectsIDOnly(ctx) {
		return &model.User{User: auth.User{ID: viewer.UserID}}, nil
	}
	return findUser(ctx, viewer.UserID)
}

// fieldsByID are the fields of a user that need no more than the id: of a signed-in user it is known to exist.
var fieldsByID = []string{"id", "__typename", "reservations", "payments", "sessions"}

// selectsIDOnly reports whether only such fields of the user are selected.
func selectsIDOnly(ctx context.Context) bool {
	return !slices.ContainsFunc(graphql.CollectFieldsCtx(ctx, nil), func(f graphql.CollectedField) bool {
		return !slices.Contains(fieldsByID, f.Name)
	})
}

// LinkCookie is the name of the cookie by which a sign-in link's page knows whether this browser asked for it.
const LinkCookie = "__Host-ticketing_link"

// RequestMagicLink implements generated.MutationResolver.
func (r mutationResolver) RequestMagicLink(ctx context.Context, in model.RequestMagicLinkInput) (*model.RequestMagicLinkPayload, error) {
	token, err := r.requestMagicLink(ctx, in.Email)
	wrong, err := userErrors(ctx, signInRejection(err))
	return &model.RequestMagicLinkPayload{Token: nullIfEmpty(token), UserErrors: wrong}, err
}

func (r *Resolver) requestMagicLink(ctx context.Context, address string) (token string, err error) {
	email, err := auth.NormalizeEmail(address)
	if err != nil {
		return "", err
	}
	if err := r.checkRate(ctx, "ask-ip", networkOf(ctx), r.limits.SignIn.AskByIP); err != nil {
		return "", err
	}
	if err := r.checkAddress(ctx, email, ratelimit.SenderKey(request.From(ctx).ClientIP)); err != nil {
		return "", err
	}
	return r.auth.RequestMagicLink(ctx, email, browserOf(request.From(ctx)))
}

// checkAddress counts a mail to an address. Strangers elsewhere may have used the address's limits up: the first mail of a day that a
// network asks for is sent all the same.
func (r *Resolver) checkAddress(ctx context.Context, email, network string) error {
	l, own := r.limits.SignIn, email+" "+network
	if err := r.checkRate(ctx, "ask", own, l.Ask); err != nil {
		return err
	}
	err := r.checkRate(ctx, "ask-address", email, l.Address)
	if err == nil {
		err = r.checkRate(ctx, "mails", email, l.Mails)
	}
	if refused, ok := errors.AsType[*apierror.Error](err); !ok || refused.Code != apierror.RateLimited {
		return err
	}
	if r.checkRate(ctx, "last-mail", own, l.LastMail) != nil || r.checkRate(ctx, "last-mails", email, l.LastMails) != nil {
		return err
	}
	return nil
}

// browserOf returns the nonce of the browser that asks for a link, which keeps it in a cookie; "" for other clients.
func browserOf(info request.Info) string {
	if !info.WantsCookie || info.SetCookie == nil {
		return ""
	}
	nonce := ""
	if info.Cookie != nil {
		nonce = info.Cookie(LinkCookie)
	}
	if nonce == "" || len(nonce) > 2*len(rand.Text()) {
		nonce = rand.Text()
	}
	info.SetCookie(&http.Cookie{
		Name: LinkCookie, Value: nonce, Path: "/", MaxAge: 24 * 60 * 60, HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode,
	})
	return nonce
}

func networkOf(ctx context.Context) string { return ratelimit.IPKey(request.From(ctx).ClientIP) }

// VerifyMagicLink implements generated.MutationResolver.
func (r mutationResolver) VerifyMagicLink(ctx context.Context, in model.VerifyMagicLinkInput) (*model.VerifyMagicLinkPayload, error) {
	if err := r.checkRate(ctx, "use-link", networkOf(ctx), r.limits.SignIn.UseByIP); err != nil {
		return nil, err
	}
	info := request.From(ctx)
	session, user, err := r.auth.VerifyMagicLink(ctx, in.Token, info.UserAgent)
	if err != nil {
		wrong, err := userErrors(ctx, signInRejection(err))
		return &model.VerifyMagicLinkPayload{UserErrors: wrong}, err
	}
	if info.TokenFromCookie && info.WantsCookie {
		// The new session replaces the old one in the browser. If the old one can't be ended now, it ends unused.
		_ = r.auth.SignOut(ctx, info.Token)
	}
	return &model.VerifyMagicLinkPayload{
		SessionToken: deliverSession(info, session), ExpiresAt: &session.ExpiresAt, User: &model.User{User: user, IsViewer: true},
	}, nil
}

// signInRejection turns the errors of signing in that the customer can correct into rejections.
func signInRejection(err error) error {
	switch {
	case errors.Is(err, auth.ErrEmailInvalid):
		return rejection.New(rejection.Invalid, "email is not a mail address").At("email")
	case errors.Is(err, auth.ErrLinkInvalid):
		return rejection.New(rejection.LinkInvalid, "the link is unknown, used or out of date; ask for a new one").At("token")
	}
	return err
}

// SignOut implements generated.MutationResolver.
func (r mutationResolver) SignOut(ctx context.Context) (*model.SignOutPayload, error) {
	info := request.From(ctx)
	if info.Token != "" {
		if err := r.auth.SignOut(ctx, info.Token); err != nil {
			return nil, err
		}
	}
	if info.SetCookie != nil {
		info.SetCookie(sessionCookie("", -1))
	}
	return &model.SignOutPayload{}, nil
}

// deliverSession sets the session's cookie where that is wanted, and otherwise returns its token.
func deliverSession(info request.Info, session auth.Session) *string {
	if !info.WantsCookie || info.SetCookie == nil {
		return &session.Token
	}
	// The session is prolonged while it is used, and the cookie must not end earlier. Browsers keep cookies for 400 days at most.
	const longest = 400 * 24 * 60 * 60
	info.SetCookie(sessionCookie(session.Token, longest))
	return nil
}

func sessionCookie(token string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: SessionCookie, Value: token, Path: "/", MaxAge: maxAge, HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode,
	}
}

// RenewSession implements generated.MutationResolver.
func (r mutationResolver) RenewSession(ctx context.Context) (*model.RenewSessionPayload, error) {
	info := request.From(ctx)
	session, err := r.auth.RenewSession(ctx, info.Token)
	if errors.Is(err, auth.ErrUnauthenticated) {
		return nil, apierror.New(apierror.Unauthenticated, "this token was renewed before; use the new one")
	}
	if err != nil {
		return nil, err
	}
	info.WantsCookie = info.TokenFromCookie
	return &model.RenewSessionPayload{SessionToken: deliverSession(info, session), ExpiresAt: &session.ExpiresAt}, nil
}

// RevokeSession implements generated.MutationResolver.
func (r mutationResolver) RevokeSession(ctx context.Context, in model.RevokeSessionInput) (*model.UserPayload, error) {
	var c checker
	if c.checkID(id.Session, in.SessionID, "sessionId"); c.errs != nil {
		return &model.UserPayload{UserErrors: c.errs}, nil
	}
	return r.changeUser(ctx, viewerOf(ctx).UserID, func(userID string) error {
		err := r.auth.SignOutSession(ctx, userID, in.SessionID)
		if errors.Is(err, auth.ErrSessionNotFound) {
			return rejection.New(rejection.NotFound, "you have no such session").At("sessionId")
		}
		return err
	})
}

// RevokeAllSessions implements generated.MutationResolver.
func (r mutationResolver) RevokeAllSessions(ctx context.Context, in *model.RevokeAllSessionsInput) (*model.UserPayload, error) {
	viewer := viewerOf(ctx)
	userID, keep := viewer.UserID, ""
	if in != nil && in.UserID != nil {
		userID = *in.UserID
	}
	if in != nil && in.KeepCurrent {
		keep = viewer.SessionID
	}
	if !isSelfOrAdmin(ctx, userID) {
		return nil, errForbidden
	}
	return r.changeUser(ctx, userID, func(actorID string) error { return r.auth.SignOutAll(ctx, actorID, userID, keep) })
}

// Sessions implements generated.UserResolver.
func (r userResolver) Sessions(ctx context.Context, u *model.User) ([]*model.Session, error) {
	if !canSeeUser(ctx, u) {
		return nil, errForbidden
	}
	found, err := r.auth.Sessions(ctx, u.ID)
	current := viewerOf(ctx).SessionID
	return convert(found, func(s *auth.Session) *model.Session {
		return &model.Session{Session: *s, Current: s.ID == current}
	}), err
}

// UserAgent implements generated.SessionResolver.
func (sessionResolver) UserAgent(_ context.Context, s *model.Session) (*string, error) {
	return nullIfEmpty(s.UserAgent), nil
}
