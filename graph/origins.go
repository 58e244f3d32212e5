package graph

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"ticketing/internal/loopback"
)

// allowedOrigins answers whose pages may use the session's cookie: those of the API's own host and of the base URL, and in development
// all pages of this machine.
func allowedOrigins(cfg Config) (func(r *http.Request, origin string) bool, error) {
	base, err := url.Parse(cfg.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("graph: base URL: %w", err)
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
		return cfg.Development && loopback.Is(o.Hostname())
	}, nil
}
