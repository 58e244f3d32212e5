package ticketing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"ticketing/clients/go/api"
)

// Mutate executes a mutation that package api does not have, or with another selection: one field, whose input type is named after it. It
// decodes the payload.
func (c *Client) Mutate(ctx context.Context, field, selection string, input map[string]any, payload any) error {
	name := strings.ToUpper(field[:1]) + field[1:]
	document := fmt.Sprintf("mutation %[1]s($input: %[1]sInput!) { %[2]s(input: $input) { %[3]s userErrors { code message field } } }",
		name, field, selection)
	var data map[string]json.RawMessage
	err := c.Execute(ctx, Operation{field, document, map[string]any{"input": input}}, &data)
	if data[field] == nil || payload == nil {
		return err
	}
	return errors.Join(err, json.Unmarshal(data[field], payload)) // a payload may have data beside its userErrors
}

// ErrLinkNotExposed means that the server mails sign-in links and does not return them: only development and tests do.
var ErrLinkNotExposed = errors.New("the server does not return sign-in links")

// SignIn signs a mail address in at a server that returns links, and returns a client of the new session.
func (c *Client) SignIn(ctx context.Context, email string) (*Client, api.User, error) {
	requested, err := api.RequestMagicLink(ctx, c, api.RequestMagicLinkInput{Email: email})
	if err != nil {
		return nil, api.User{}, fmt.Errorf("request a sign-in link: %w", err)
	}
	if requested.RequestMagicLink.Token == nil {
		return nil, api.User{}, ErrLinkNotExposed
	}
	return c.UseLink(ctx, *requested.RequestMagicLink.Token)
}

// UseLink exchanges the token of a sign-in link for a session, and returns a client of it.
func (c *Client) UseLink(ctx context.Context, token string) (*Client, api.User, error) {
	verified, err := api.VerifyMagicLink(ctx, c, api.VerifyMagicLinkInput{Token: token})
	if err != nil {
		return nil, api.User{}, fmt.Errorf("sign in: %w", err)
	}
	return c.WithToken(*verified.VerifyMagicLink.SessionToken), *verified.VerifyMagicLink.User, nil
}

// StartGuest makes a guest, and returns a client of its session.
func (c *Client) StartGuest(ctx context.Context) (*Client, api.User, error) {
	started, err := api.StartGuestSession(ctx, c)
	if err != nil {
		return nil, api.User{}, fmt.Errorf("start a guest's session: %w", err)
	}
	return c.WithToken(*started.StartGuestSession.SessionToken), *started.StartGuestSession.User, nil
}

// SignOut ends the client's session.
func (c *Client) SignOut(ctx context.Context) error {
	_, err := api.SignOut(ctx, c)
	if CodeOf(err) == "UNAUTHENTICATED" { // it has ended, by the first try or otherwise
		return nil
	}
	return err
}
