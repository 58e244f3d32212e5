package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"ticketing/internal/config"
	"ticketing/internal/loopback"
)

// withDevelopmentDefaults makes a laptop pleasant: one address is an admin's, sign-in links are returned instead of mailed, and a demo's 200
// customers may sign in and watch from one address. The environment wins; production and hosts that are not loopback get none of it.
func withDevelopmentDefaults(environ map[string]string) map[string]string {
	out := maps.Clone(environ)
	if out["ENVIRONMENT"] != config.Development {
		return out
	}
	for name, value := range map[string]string{
		"ADMIN_EMAILS": "admin@example.com", "AUTH_RATE_LIMIT_REQUESTS": "10000", "GUEST_RATE_LIMIT_REQUESTS": "10000", "WS_MAX_CONNECTIONS_PER_IP": "10000",
		"READ_RATE_LIMIT_PER_IP": "1000000000", "SHUTDOWN_DELAY": "0s",
	} {
		if out[name] == "" {
			out[name] = value
		}
	}
	if out["AUTH_EXPOSE_MAGIC_LINKS_FOR_TESTING"] == "" && (out["HOST"] == "" || loopback.Is(out["HOST"])) {
		out["AUTH_EXPOSE_MAGIC_LINKS_FOR_TESTING"] = "true"
	}
	return out
}

// announceReady prints the addresses, once the api is ready.
func announceReady(ctx context.Context, cfg config.Config, out io.Writer) error {
	base := "http://" + net.JoinHostPort(reachableHost(cfg.Host), strconv.Itoa(cfg.Port))
	if !awaitReady(ctx, base+"/health/ready") {
		return nil // ended before it was ready
	}
	fmt.Fprintf(out, `
  Ticketing is ready.

%[5]s    GraphQL         %[1]s/graphql   (WebSocket and SSE at the same address)
    GraphiQL        %[1]s/graphiql   (for admins: %[4]s)
    Health          %[1]s/health/ready
    Metrics         http://%[2]s/metrics
    Data            %[3]s
`, base, cfg.MetricsAddr(), cfg.DataDir, cmp.Or(strings.Join(cfg.AdminEmails, ", "), "name some in ADMIN_EMAILS"), shopLine(cfg, base))
	if cfg.ExposeMagicLinks && len(cfg.AdminEmails) > 0 {
		fmt.Fprintf(out, `
  Sign in as the admin at GraphiQL, or with curl (in development the response holds the token, which is otherwise only mailed):

    curl -s %[1]s/graphql -H 'Content-Type: application/json' \
      -d '{"query":"mutation{requestMagicLink(input:{email:\"%[2]s\"}){token}}"}'
    curl -s %[1]s/graphql -H 'Content-Type: application/json' \
      -d '{"query":"mutation{verifyMagicLink(input:{token:\"TOKEN\"}){sessionToken user{id roles}}}"}'

  and send it as "Authorization: Bearer SESSION_TOKEN". An on-sale with 200 customers: make demo
`, base, cfg.AdminEmails[0])
	}
	fmt.Fprintln(out, "\n  Ctrl-C stops everything; the data stay.")
	return nil
}

// shopLine returns the line with the address of the shop, "" without a shop.
func shopLine(cfg config.Config, base string) string {
	if !cfg.Shop {
		return ""
	}
	return fmt.Sprintf("    Shop            %s/   (nothing on sale yet? make demo)\n", base)
}

// reachableHost returns a loopback address for an unspecified host, and host otherwise.
func reachableHost(host string) string {
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		return "127.0.0.1"
	}
	return host
}

func awaitReady(ctx context.Context, url string) bool {
	client := http.Client{Timeout: 3 * time.Second}
	for ticker := time.NewTicker(50 * time.Millisecond); ; {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return false
		}
		if response, err := client.Do(request); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return true
			}
		}
		select {
		case <-ctx.Done():
			return false
		case <-ticker.C:
		}
	}
}
