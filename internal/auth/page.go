package auth

import (
	"embed"
	"net/http"
	"path"
)

//go:embed page
var pageFiles embed.FS

// pagePolicy lets a page load its own scripts and style and call its own server, nothing else.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

// Pages serves the sign-in pages, to be mounted at /auth/. GET /auth/sign-in asks for an address and has a magic link mailed. The link
// opens GET /auth/verify, which consumes nothing, since programs that scan mails open links too; only its button posts verifyMagicLink to
// /graphql.
func Pages() http.Handler {
	mux := http.NewServeMux()
	for address, name := range map[string]string{
		"sign-in": "sign-in.html", "sign-in.js": "sign-in.js", "verify": "verify.html", "verify.js": "verify.js",
		"common.js": "common.js", "page.css": "page.css", "icon.svg": "icon.svg",
	} {
		mux.Handle("GET /auth/"+address, pageFile(name))
	}
	return mux
}

var pageTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// pageFile serves one embedded file. It is not cached: it is small, rarely opened, and must fit the server's schema.
func pageFile(name string) http.Handler {
	content, err := pageFiles.ReadFile("page/" + name)
	if err != nil {
		panic("auth: the page's file " + name + " is not embedded: " + err.Error())
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", pageTypes[path.Ext(name)])
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("Cache-Control", "no-store")
		h.Set("X-Robots-Tag", "noindex")
		_, _ = w.Write(content) // fails only if the client has gone
	})
}
