package auth

import (
	"embed"
	"net/http"
)

//go:embed page/verify.html page/verify.css page/verify.js
var pageFiles embed.FS

// pagePolicy lets the page load its own script and style, talk to its own server, and nothing else.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

// Page serves GET /auth/verify and what it loads from /auth/: the page that a magic link opens. Opening it consumes nothing, since
// programs that scan mails open links too; only its button posts verifyMagicLink to /graphql. Mount it at "/auth/".
func Page() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /auth/verify", pageFile("page/verify.html", "text/html; charset=utf-8"))
	mux.Handle("GET /auth/verify.css", pageFile("page/verify.css", "text/css; charset=utf-8"))
	mux.Handle("GET /auth/verify.js", pageFile("page/verify.js", "text/javascript; charset=utf-8"))
	return mux
}

// pageFile serves one embedded file. Nothing of it is cached: it is small, rarely opened, and must fit the server's schema.
func pageFile(name, contentType string) http.Handler {
	content, err := pageFiles.ReadFile(name)
	if err != nil {
		panic("auth: the page's file " + name + " is not embedded: " + err.Error())
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", contentType)
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Robots-Tag", "noindex")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		_, _ = w.Write(content) // a client that went away is no error of ours
	})
}
