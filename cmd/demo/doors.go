package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// helpError is an error that tells its reader what to do; nothing needs to be added to it.
type helpError string

func (e helpError) Error() string { return string(e) }

const (
	helpStart = `nothing answers at %s (%v)
Start the server in another terminal and try again:

    make run`
	helpExpose = `the server does not hand out sign-in links, so the demo cannot sign anybody in
It must run in development (make run does) or with AUTH_EXPOSE_MAGIC_LINKS_FOR_TESTING=true on 127.0.0.1.`
	helpAdmin = `%s is neither admin nor organizer there, and only those may sell tickets
Name an address of the server's ADMIN_EMAILS, or have it start with this one:

    go run ./cmd/demo -admin somebody@example.com
    ADMIN_EMAILS=%s make run`
	helpLimited = `the server lets too few people sign in a minute: %v
Wait a minute, or let fewer come (-customers 3), or start the server with a higher limit:

    AUTH_RATE_LIMIT_REQUESTS=5000 make run`
)

// Knock finds out whether the API is there at all, so that a forgotten `make run` is told at once and not after many tries.
func Knock(ctx context.Context, client *Client) error {
	const impatient = 2 * time.Second
	var name string
	err := client.Patient(impatient).Do(ctx, Operation{Field: "__typename", Document: "query Knock { __typename }"}, &name)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errNoAnswer):
		return helpError(fmt.Sprintf(helpStart, client.url, cause(err)))
	case err != nil:
		return fmt.Errorf("%s does not answer as the ticketing API does: %w", client.url, err)
	}
	return nil
}

// SignIn signs an address in with a magic link. A real person would find the link in a mail.
func SignIn(ctx context.Context, client *Client, email string) (*Client, []string, error) {
	for attempt := 1; ; attempt++ {
		token, err := client.RequestMagicLink(ctx, email)
		if err != nil {
			return nil, nil, err
		}
		if token == "" {
			return nil, nil, helpError(helpExpose)
		}
		session, roles, err := client.VerifyMagicLink(ctx, token)
		if err == nil {
			return session.Patient(usualPatience), roles, nil
		}
		// A link works once. When the answer to its use was lost, it must be another link.
		if rejectedAs(err) != "LINK_INVALID" || attempt == 3 {
			return nil, nil, err
		}
	}
}

// SignInOrganizer signs the organizer in, and makes sure that it is one.
func SignInOrganizer(ctx context.Context, client *Client, email string) (*Client, error) {
	organizer, roles, err := SignIn(ctx, client, email)
	if codeOf(err) == "RATE_LIMITED" {
		return nil, helpError(fmt.Sprintf(helpLimited, err))
	}
	if err != nil {
		return nil, err
	}
	if !slices.Contains(roles, "ADMIN") && !slices.Contains(roles, "ORGANIZER") {
		return nil, helpError(fmt.Sprintf(helpAdmin, email, email))
	}
	return organizer, nil
}

// Account is somebody who is signed in.
type Account struct {
	Name   string
	Client *Client
}

// SignInCustomers signs customers in, a few at a time, and answers those who are in when the time is over. All of them come from
// one address, so the server's sign-in limit is the first thing that a demo of many people meets.
func SignInCustomers(ctx context.Context, client *Client, board *Board, n int, patience time.Duration) ([]Account, error) {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var in atomic.Int64
	var mu sync.Mutex
	var accounts []Account
	var crowd errgroup.Group
	crowd.SetLimit(4) // a sign-in counts twice against the limit: many at once would use it up on links that cannot be verified then
	for i := range n {
		crowd.Go(func() error {
			session, _, err := SignIn(limited, client, CustomerName(i))
			if err != nil {
				return fmt.Errorf("%s: %w", CustomerName(i), err)
			}
			board.Phase(fmt.Sprintf("signing in: %d of %d customers", in.Add(1), n))
			mu.Lock()
			defer mu.Unlock()
			accounts = append(accounts, Account{CustomerName(i), session})
			return nil
		})
	}
	err := crowd.Wait()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	outOfTime := limited.Err() != nil || codeOf(err) == "RATE_LIMITED"
	switch {
	case outOfTime && len(accounts) > 0:
		return accounts, nil
	case outOfTime:
		return nil, helpError(fmt.Sprintf(helpLimited, err))
	}
	return accounts, err
}

// CustomerName answers a customer's mail address. They are the same in each run, so that runs leave no more people behind than
// needed; example.com never receives mail.
func CustomerName(i int) string { return fmt.Sprintf("customer%03d@example.com", i+1) }
