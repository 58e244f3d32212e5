// Package graphiql serves GraphiQL below /graphiql: admins read the API and act through it. Its files are embedded, built by scripts/web
// from the sources in this folder; it loads nothing from other hosts.
//
// The page is for admins, and redirects others to the sign-in page. That is courtesy, not protection: the files are public software, and
// the API authorizes each operation.
package graphiql

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/http"

	"ticketing/internal/auth"
	"ticketing/web/assets"
)

//go:embed dist
var dist embed.FS

const indexPage = "index.html"

// policy allows the page its own files and its own server. The editor creates style elements, and the fonts in GraphiQL's stylesheet are
// data: URLs.
const policy = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; img-src 'self' data:; " +
	"font-src 'self' data:; style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Sessions authenticates browsers.
type Sessions interface {
	// Authenticate returns the principal of a session token, and auth.ErrUnauthenticated if the session is over or unknown.
	Authenticate(ctx context.Context, token string) (auth.Principal, error)
}

// Handler serves /graphiql and all paths below it. cookie is the name of the cookie that holds a session token.
func Handler(sessions Sessions, cookie string) (http.Handler, error) {
	files, err := assets.Read(dist, "dist")
	if err == nil && files[indexPage] == nil {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, fmt.Errorf("read GraphiQL: %w", err)
	}
	examples, err := readExamples()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /graphiql", adminsOnly(sessions, cookie, files[indexPage]))
	mux.Handle("GET /graphiql/{$}", http.RedirectHandler("/graphiql", http.StatusPermanentRedirect))
	mux.Handle("GET /graphiql/examples.json", examples)
	for name, file := range files {
		if name != indexPage {
			mux.Handle("GET /graphiql/"+name, file)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Robots-Tag", "noindex")
		mux.ServeHTTP(w, r)
	}), nil
}

// adminsOnly serves the page to admins and redirects others to the sign-in page.
func adminsOnly(sessions Sessions, cookie string, page http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		viewer, err := findViewer(r, sessions, cookie)
		switch {
		case err != nil:
			http.Error(w, "Your session could not be checked. Please try again.", http.StatusServiceUnavailable)
		case viewer.HasRole(auth.RoleAdmin):
			page.ServeHTTP(w, r)
		default:
			http.Redirect(w, r, "/auth/sign-in", http.StatusSeeOther)
		}
	})
}

// findViewer returns the browser's principal: the zero Principal without a session.
func findViewer(r *http.Request, sessions Sessions, cookie string) (auth.Principal, error) {
	c, err := r.Cookie(cookie)
	if err != nil {
		return auth.Principal{}, nil //nolint:nilerr // a browser without a cookie is signed out
	}
	viewer, err := sessions.Authenticate(r.Context(), c.Value)
	if errors.Is(err, auth.ErrUnauthenticated) {
		return auth.Principal{}, nil
	}
	return viewer, err
}
