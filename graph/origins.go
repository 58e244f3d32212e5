package graph

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"ticketing/internal/loopback"
)

// allowedOrigins returns the function that decides whose pages may use the session's cookie: those of the API's own host and of the base
// URL, and in development all pages of this machine.
func allowedOrigins(baseURL string, development bool) (func(r *http.Request, origin string) bool, error) {
	base, err := url.Parse(baseURL)
	if err != nil {
		return nil, fmt.Errorf("parse the base URL: %w", err)
	}
	return func(r *http.Request, origin string) bool {
		o, err := url.Parse(origin)
		if err != nil || o.Host == "" {
			return false
		}
		switch {
		case strings.EqualFold(o.Host, r.Host):
			return true
		case base.Host != "" && strings.EqualFold(o.Host, base.Host) && o.Scheme == base.Scheme:
			return true
		}
		return development && loopback.Is(o.Hostname())
	}, nil
}
