package auth

import (
	"embed"
	"encoding/json"
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"path"
)

//go:embed page
var pageFiles embed.FS

// PageSources returns the files with the operations that the sign-in pages send.
func PageSources() fs.FS { return pageFiles }

// pagePolicy lets a page load its own scripts and style and call its own server, nothing else.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

// Pages serves the sign-in pages, to be mounted at /auth/. GET /auth/sign-in asks for an address and has a magic link mailed. The link
// opens GET /auth/verify, which consumes nothing, since programs that scan mails open links too; only its button posts verifyMagicLink to
// /graphql. Before, the page names the link's user (POST /auth/link), and whether another browser asked for it, since a user must
// not be signed in as another one unawares. cookie is the name of the cookie with the browser's nonce.
func (s *Service) Pages(cookie string) http.Handler {
	mux := http.NewServeMux()
	for address, name := range map[string]string{
		"sign-in": "sign-in.html", "sign-in.js": "sign-in.js", "verify": "verify.html", "verify.js": "verify.js",
		"common.js": "common.js", "page.css": "page.css", "icon.svg": "icon.svg",
	} {
		mux.Handle("GET /auth/"+address, pageFile(name))
	}
	mux.HandleFunc("POST /auth/link", func(w http.ResponseWriter, r *http.Request) { s.describeLink(w, r, cookie) })
	return mux
}

// describeLink names the user of a link. Other sites can't call it: browsers ask before they send JSON elsewhere.
func (s *Service) describeLink(w http.ResponseWriter, r *http.Request, cookie string) {
	const longest = 1 << 10
	var in struct{ Token string }
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "application/json" || json.NewDecoder(http.MaxBytesReader(w, r.Body, longest)).Decode(&in) != nil {
		http.Error(w, "a JSON object with a token is expected", http.StatusBadRequest)
		return
	}
	browser := ""
	if c, err := r.Cookie(cookie); err == nil {
		browser = c.Value
	}
	var out struct {
		Email     string `json:"email,omitempty"` // "" if the link is unknown, used or out of date
		Elsewhere bool   `json:"elsewhere"`
	}
	var err error
	out.Email, out.Elsewhere, err = s.DescribeLink(r.Context(), in.Token, browser)
	if err != nil && !errors.Is(err, ErrLinkInvalid) {
		http.Error(w, "signing in is not possible just now", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(out) //nolint:errchkjson // fails only if the client has gone
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
