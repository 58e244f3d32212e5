package graph

import (
	"context"
	"errors"
	"slices"
	"time"

	"ticketing/command"
	"ticketing/command/rejection"
	"ticketing/graph/model"
	"ticketing/graph/request"
	"ticketing/internal/auth"
	"ticketing/internal/ratelimit"
	"ticketing/query"
)

// longestPersonName bounds names of people, in characters. The auth database has the same bound.
const longestPersonName = 200

// contactsOfAddress limits how often an address is given as a contact: who proves it gets the guests who gave it, of which there must not be
// too many. People rarely need more than one a purchase.
var contactsOfAddress = ratelimit.Limit{Requests: 20, Window: 24 * time.Hour, FailOpen: true}

// StartGuestSession implements generated.MutationResolver.
func (r mutationResolver) StartGuestSession(ctx context.Context) (*model.VerifyMagicLinkPayload, error) {
	if _, signedIn := auth.FromContext(ctx); signedIn {
		wrong, err := userErrors(ctx, rejection.New(rejection.InvalidState, "you have a session already"))
		return &model.VerifyMagicLinkPayload{UserErrors: wrong}, err
	}
	info := request.From(ctx)
	if err := r.checkNetwork(ctx, "guests", r.limits.Guests); err != nil {
		return nil, err
	}
	session, user, err := r.auth.StartGuest(ctx, info.UserAgent)
	if err != nil {
		return nil, err
	}
	return &model.VerifyMagicLinkPayload{
		SessionToken: deliverSession(info, session), ExpiresAt: &session.ExpiresAt, User: &model.User{User: user, IsViewer: true},
	}, nil
}

// SetContact implements generated.MutationResolver.
func (r mutationResolver) SetContact(ctx context.Context, in model.SetContactInput) (*model.UserPayload, error) {
	var c checker
	name := c.readLine(in.Name, longestPersonName, "name")
	email, err := auth.NormalizeEmail(in.Email)
	if err != nil {
		c.addError([]string{"email"}, "email is not a mail address")
	}
	if c.errs != nil {
		return &model.UserPayload{UserErrors: c.errs}, nil
	}
	if err := r.checkRate(ctx, "contact-address", email, contactsOfAddress); err != nil {
		return nil, err
	}
	viewer := viewerOf(ctx)
	return r.changeUser(ctx, viewer.UserID, func(string) error {
		err := r.auth.SetContact(ctx, viewer.UserID, auth.Contact{Name: name, Email: email})
		if errors.Is(err, auth.ErrNotGuest) {
			return rejection.New(rejection.InvalidState, "your mails go to the address with which you sign in")
		}
		return err
	})
}

// Contact implements generated.UserResolver.
func (userResolver) Contact(ctx context.Context, u *model.User) (*model.Contact, error) {
	if u.Contact == "" || !canSeeUser(ctx, u) {
		return nil, nil //nolint:nilnil // null for others, and when there is none
	}
	return &model.Contact{Name: u.Name, Email: u.Contact}, nil
}

// payAsViewer has a guest who pays give a contact first: there is no other way to reach them.
func (r *Resolver) payAsViewer(ctx context.Context, by command.Caller, pay command.ProcessPayment) (command.Paid, error) {
	if viewer := viewerOf(ctx); viewer.Guest {
		user, err := findUser(ctx, viewer.UserID)
		if err != nil {
			return command.Paid{}, err
		}
		if user == nil || user.Contact == "" {
			return command.Paid{}, rejection.New(rejection.Invalid, "give your name and mail address first, with setContact").At("contact")
		}
	}
	return r.commands.ProcessPayment(ctx, by, pay)
}

// ownersOf returns the owner of a list and, if that is the viewer, the guests whose purchases are the viewer's.
func ownersOf(ctx context.Context, by query.Owner, owner string) []string {
	viewer := viewerOf(ctx)
	if by != query.OfCustomers || owner != viewer.UserID {
		return []string{owner}
	}
	return slices.Concat([]string{owner}, viewer.Linked)
}
