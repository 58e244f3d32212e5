package loopback

import (
	"net"
	"net/http"
	"strings"
)

// Guard refuses requests whose Host is a name of the public DNS, except those in allowed: a page elsewhere may have its own name mean this
// machine (DNS rebinding), and would then read what only pages of this machine may.
func Guard(next http.Handler, allowed ...string) http.Handler {
	own := map[string]bool{}
	for _, host := range allowed {
		own[strings.ToLower(host)] = true
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if host = strings.ToLower(strings.Trim(host, "[]")); isPublicName(host) && !own[host] {
			http.Error(w, "the Host header names another machine; AUTH_BASE_URL says how this one is called", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isPublicName reports whether a name can be one of the public DNS: it is no IP address, has a dot, and does not end in localhost.
func isPublicName(host string) bool {
	return net.ParseIP(host) == nil && strings.Contains(strings.Trim(host, "."), ".") && !strings.HasSuffix(strings.TrimSuffix(host, "."), ".localhost")
}
