package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"ticketing/cmd/parts"
	"ticketing/internal/buildinfo"
	"ticketing/internal/config"
	"ticketing/internal/ticketcode"
)

const ticketsUsage = `usage: ticketing tickets verify [-keys FILE|URL] CODE
           say whose ticket a QR code is, without a network or a database. The keys are those of TICKET_SIGNING_KEYS, or what
           /.well-known/ticketing-keys.json of an api serves, as a file or by its address. Whether the ticket was refunded since, only the
           platform knows: read it with the query ticket(id:).`

// keysTimeout bounds asking for the keys.
const keysTimeout = 10 * time.Second

// mostKeys bounds what is read of them, in bytes: 256 keys.
const mostKeys = 64 << 10

// runTickets returns 0 for a ticket of this platform, 1 for anything else, and 2 when that can't be known.
func runTickets(ctx context.Context, args []string, out io.Writer) int {
	if buildinfo.HandleFlags(out, "ticketing tickets", ticketsUsage, args) {
		return 0
	}
	flags := flag.NewFlagSet("ticketing tickets verify", flag.ContinueOnError)
	flags.Usage = func() { fmt.Fprintln(flags.Output(), ticketsUsage) }
	from := flags.String("keys", "", "a file or an address with the public keys")
	if len(args) == 0 || args[0] != "verify" {
		flags.Usage()
		return 2
	}
	if err := flags.Parse(args[1:]); err != nil || flags.NArg() != 1 {
		if err == nil {
			flags.Usage()
		}
		return 2
	}
	keys, err := findKeys(ctx, *from)
	if err != nil {
		fmt.Fprintf(os.Stderr, "ticketing tickets: %v\n", err)
		return 2
	}
	ticket, err := keys.Verify(flags.Arg(0))
	if err != nil {
		fmt.Fprintln(out, err)
		return 1
	}
	fmt.Fprintf(out, "ticket     %s\nevent      %s\ngeneration %d\n", ticket.TicketID, ticket.EventID, ticket.Generation)
	return 0
}

// findKeys returns the public keys of a file or an address, or of this configuration.
func findKeys(ctx context.Context, from string) (ticketcode.PublicKeys, error) {
	if from == "" {
		return configuredKeys()
	}
	read := os.ReadFile
	if strings.HasPrefix(from, "https://") || strings.HasPrefix(from, "http://") {
		read = func(url string) ([]byte, error) { return getKeys(ctx, url) }
	}
	text, err := read(from)
	if err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	var keys ticketcode.PublicKeys
	if err := json.Unmarshal(text, &keys); err != nil {
		return nil, fmt.Errorf("read the keys of %s: %w", from, err)
	}
	if len(keys) == 0 {
		return nil, errors.New("there are no keys at " + from)
	}
	return keys, nil
}

func configuredKeys() (ticketcode.PublicKeys, error) {
	cfg, err := config.Load(withDevelopmentDefaults(config.Environ()), config.NeedTicketKeys)
	if err != nil {
		return nil, err
	}
	keys, err := parts.TicketKeys(cfg)
	if err != nil {
		return nil, err
	}
	return keys.Public(), nil
}

func getKeys(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, keysTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s responded %s", url, response.Status)
	}
	return io.ReadAll(io.LimitReader(response.Body, mostKeys))
}
