// Package web serves GraphiQL, with which admins look into the API and act through it, below /graphiql. Its parts come embedded, built by
// scripts/web from the sources in this folder; it loads nothing from anywhere else.
//
// The page is for admins: others are sent to the sign-in page. That is courtesy, not protection: the parts are public software, and what
// somebody may do through it the API decides for each operation.
package web

import (
	"context"
	"errors"
	"net/http"

	"ticketing/internal/auth"
)

// policy lets the page load its own parts and talk to its own server. The editor makes style elements, and the fonts of GraphiQL's
// stylesheet are data: URLs.
const policy = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; img-src 'self' data:; " +
	"font-src 'self' data:; style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// People answers whose session a token is.
type People interface {
	Authenticate(ctx context.Context, token string) (auth.Principal, error)
}

// Handler serves /graphiql and all below it. cookie is the name of the one that keeps a browser's session.
func Handler(people People, cookie string) (http.Handler, error) {
	built, err := readBuilt()
	if err != nil {
		return nil, err
	}
	examples, err := readExamples()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /graphiql", adminsOnly(people, cookie, built["index.html"]))
	mux.Handle("GET /graphiql/{$}", http.RedirectHandler("/graphiql", http.StatusPermanentRedirect))
	mux.Handle("GET /graphiql/examples.json", examples)
	for name, file := range built {
		if name != "index.html" {
			mux.Handle("GET /graphiql/"+name, file)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Robots-Tag", "noindex")
		mux.ServeHTTP(w, r)
	}), nil
}

// adminsOnly serves the page to admins and sends everybody else to sign in.
func adminsOnly(people People, cookie string, page http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		viewer, err := signedIn(r, people, cookie)
		switch {
		case err != nil:
			http.Error(w, "Who is signed in is not known just now. Please try again.", http.StatusServiceUnavailable)
		case viewer.HasRole(auth.RoleAdmin):
			page.ServeHTTP(w, r)
		default:
			http.Redirect(w, r, "/auth/sign-in", http.StatusSeeOther)
		}
	})
}

// signedIn answers whose browser this is, nobody for none and for a session that is over.
func signedIn(r *http.Request, people People, cookie string) (auth.Principal, error) {
	c, err := r.Cookie(cookie)
	if err != nil {
		return auth.Principal{}, nil //nolint:nilerr // no cookie is no error: nobody is signed in
	}
	viewer, err := people.Authenticate(r.Context(), c.Value)
	if errors.Is(err, auth.ErrUnauthenticated) {
		return auth.Principal{}, nil
	}
	return viewer, err
}
