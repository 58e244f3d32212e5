package httpserver

import "net/http"

// defaultPolicy lets an answer load, frame and send nothing when a browser takes it for a page. Pages set a policy of their own.
const defaultPolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Secure gives every answer of next, refusals included, the headers that keep browsers from making more of it than it is. onlyTLS also
// has browsers come back over TLS only, for a year: for production, where the TLS ends in front of this process.
func Secure(next http.Handler, onlyTLS bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", defaultPolicy)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		// Other pages read answers by CORS, which this does not touch; they can't embed them.
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		if onlyTLS {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}
