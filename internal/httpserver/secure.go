package httpserver

import "net/http"

// defaultPolicy keeps a response that a browser takes for a page from loading, framing and sending anything. Pages set their own policy.
const defaultPolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Secure adds security headers to every response of next, errors included. onlyTLS also makes browsers use TLS only, for a year: for
// production, where TLS ends in front of this process.
func Secure(next http.Handler, onlyTLS bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", defaultPolicy)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		// Other sites read responses by CORS, which this does not affect; they can't embed them.
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
