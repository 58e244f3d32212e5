package graph

import (
	"context"
	"errors"
	"net/http"

	"ticketing/command/rejection"
	"ticketing/graph/model"
	"ticketing/graph/request"
	"ticketing/internal/auth"
	"ticketing/internal/ratelimit"
)

// RequestMagicLink implements generated.MutationResolver.
func (r mutationResolver) RequestMagicLink(ctx context.Context, in model.RequestMagicLinkInput) (*model.RequestMagicLinkPayload, error) {
	email, err := auth.NormalizeEmail(in.Email)
	if err == nil {
		err = r.allow(ctx, "sign-in-address", email, r.limits.SignIn)
	}
	if err == nil {
		err = r.allowIP(ctx)
	}
	var token string
	if err == nil {
		token, err = r.people.RequestMagicLink(ctx, email)
	}
	wrong, err := userErrors(signInRejection(err))
	return &model.RequestMagicLinkPayload{Token: orNull(token), UserErrors: wrong}, err
}

// VerifyMagicLink implements generated.MutationResolver.
func (r mutationResolver) VerifyMagicLink(ctx context.Context, in model.VerifyMagicLinkInput) (*model.VerifyMagicLinkPayload, error) {
	if err := r.allowIP(ctx); err != nil {
		return nil, err
	}
	info := request.From(ctx)
	session, user, err := r.people.VerifyMagicLink(ctx, in.Token, info.UserAgent)
	if err != nil {
		wrong, err := userErrors(signInRejection(err))
		return &model.VerifyMagicLinkPayload{UserErrors: wrong}, err
	}
	if info.TokenFromCookie && info.WantsCookie {
		// The new session takes the old one's place in the browser. What can't be ended now ends unused.
		_ = r.people.SignOut(ctx, info.Token)
	}
	return &model.VerifyMagicLinkPayload{
		SessionToken: keepSession(info, session), ExpiresAt: &session.ExpiresAt, User: &model.User{User: user, Viewer: true},
	}, nil
}

// SignOut implements generated.MutationResolver.
func (r mutationResolver) SignOut(ctx context.Context) (*model.SignOutPayload, error) {
	info := request.From(ctx)
	if info.Token != "" {
		if err := r.people.SignOut(ctx, info.Token); err != nil {
			return nil, err
		}
	}
	if info.SetCookie != nil {
		info.SetCookie(sessionCookie("", -1))
	}
	return &model.SignOutPayload{}, nil
}

// SessionCookie is the name of the cookie that keeps a session. The prefix has browsers see to it that only this host sets it.
const SessionCookie = "__Host-ticketing_session"

// keepSession puts a session into a cookie when that is wanted, and else answers its token.
func keepSession(info request.Info, session auth.Session) *string {
	if !info.WantsCookie || info.SetCookie == nil {
		return &session.Token
	}
	// The session lives longer while it is used; the cookie must not end before it does. 400 days is the most that browsers keep.
	const longest = 400 * 24 * 60 * 60
	info.SetCookie(sessionCookie(session.Token, longest))
	return nil
}

func sessionCookie(token string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: SessionCookie, Value: token, Path: "/", MaxAge: maxAge, HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode,
	}
}

// allowIP counts against the limit of the client's address.
func (r *Resolver) allowIP(ctx context.Context) error {
	return r.allow(ctx, "sign-in-ip", ratelimit.IPKey(request.From(ctx).ClientIP), r.limits.SignIn)
}

// signInRejection says which errors of signing in are the customer's to mend.
func signInRejection(err error) error {
	switch {
	case errors.Is(err, auth.ErrEmailInvalid):
		return rejection.New(rejection.Invalid, "email is not a mail address").At("email")
	case errors.Is(err, auth.ErrLinkInvalid):
		return rejection.New(rejection.LinkInvalid, "the link is unknown, used or out of date; ask for a new one").At("token")
	}
	return err
}
