package graph

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"ticketing/internal/loopback"
)

// allowedOrigins returns the function that decides whose pages may use the session's cookie: those of the API's own host, of the base URL and
// of the listed origins, and in development all pages of this machine.
func allowedOrigins(baseURL string, listed []string, development bool) (func(r *http.Request, origin string) bool, error) {
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
		case slices.ContainsFunc(listed, func(allowed string) bool { return strings.EqualFold(allowed, origin) }):
			return true
		}
		return development && loopback.Is(o.Hostname())
	}, nil
}

// returnPages are the pages that a gateway may send a customer back to.
type returnPages struct {
	origins     []string // "https://host" or "https://host:port", in lower case
	development bool     // all pages of this machine too
}

// newReturnPages returns the pages of the base URL's origin and of further origins.
func newReturnPages(baseURL string, further []string, development bool) (returnPages, error) {
	pages := returnPages{development: development}
	for _, text := range append([]string{baseURL}, further...) {
		u, err := url.Parse(text)
		if err != nil {
			return pages, fmt.Errorf("parse the origins of return pages: %w", err)
		}
		if u.Host != "" {
			pages.origins = append(pages.origins, originOf(u))
		}
	}
	return pages, nil
}

func (p returnPages) include(u *url.URL) bool {
	return slices.Contains(p.origins, originOf(u)) || p.development && (u.Scheme == "http" || u.Scheme == "https") && loopback.Is(u.Hostname())
}

// originOf returns the origin of a URL, without a port that is the scheme's own.
func originOf(u *url.URL) string {
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	port := map[string]string{"https": ":443", "http": ":80"}[scheme]
	return scheme + "://" + strings.TrimSuffix(host, port)
}
