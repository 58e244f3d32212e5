package apiclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Mutate executes a mutation of one field, whose input type is named after it, and decodes its payload.
func (c *Client) Mutate(ctx context.Context, field, selection string, input map[string]any, payload any) error {
	name := strings.ToUpper(field[:1]) + field[1:]
	document := fmt.Sprintf("mutation %[1]s($input: %[1]sInput!) { %[2]s(input: $input) { %[3]s userErrors { code message } } }", name, field, selection)
	var data map[string]json.RawMessage
	err := c.Execute(ctx, Operation{field, document, map[string]any{"input": input}}, &data)
	if data[field] == nil || payload == nil {
		return err
	}
	return errors.Join(err, json.Unmarshal(data[field], payload)) // a payload may have data beside its userErrors
}

// User is a signed-in user.
type User struct {
	ID    string
	Roles []string
}

// ErrLinkNotExposed means that the server mails sign-in links and does not return them: only development and tests do.
var ErrLinkNotExposed = errors.New("the server does not return sign-in links")

// SignIn signs a mail address in and returns a client of the new session.
func (c *Client) SignIn(ctx context.Context, email string) (*Client, User, error) {
	var requested struct{ Token string }
	if err := c.Mutate(ctx, "requestMagicLink", "token", map[string]any{"email": email}, &requested); err != nil {
		return nil, User{}, fmt.Errorf("request a sign-in link: %w", err)
	}
	if requested.Token == "" {
		return nil, User{}, ErrLinkNotExposed
	}
	var verified struct {
		SessionToken string
		User         User
	}
	err := c.Mutate(ctx, "verifyMagicLink", "sessionToken user { id roles }", map[string]any{"token": requested.Token}, &verified)
	if err != nil {
		return nil, User{}, fmt.Errorf("sign in: %w", err)
	}
	return c.WithToken(verified.SessionToken), verified.User, nil
}

// SignOut ends the client's session.
func (c *Client) SignOut(ctx context.Context) error {
	return c.ExecuteOnce(ctx, Operation{Name: "signOut", Document: `mutation SignOut { signOut { userErrors { code message } } }`}, nil)
}
