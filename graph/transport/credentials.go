package transport

import (
	"crypto/rand"
	"net/http"
	"strings"

	"ticketing/graph/apierror"
	"ticketing/internal/card"
)

var errBearer = apierror.New(apierror.Unauthenticated, "the Authorization header must be \"Bearer <session token>\"")

// readCredentials returns what a request signs in with.
func (h *Handler) readCredentials(r *http.Request) (Credentials, error) {
	if values := r.Header.Values("Authorization"); len(values) > 0 {
		if len(values) > 1 {
			return Credentials{}, errBearer
		}
		token, err := parseBearer(values[0])
		return Credentials{Bearer: token}, err
	}
	return Credentials{Cookie: h.readCookie(r)}, nil
}

// parseBearer returns the token of an Authorization header.
func parseBearer(value string) (string, error) {
	scheme, token, ok := strings.Cut(value, " ")
	token = strings.TrimSpace(token)
	if !ok || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", errBearer
	}
	return token, nil
}

// readCookie returns the session token that a browser sent, unless another site may have caused the request.
func (h *Handler) readCookie(r *http.Request) string {
	if origin := r.Header.Get("Origin"); origin != "" && !h.cfg.AllowOrigin(r, origin) {
		return ""
	}
	if r.Header.Get("Sec-Fetch-Site") == "cross-site" && r.Header.Get("Origin") == "" {
		return ""
	}
	return cookieValue(r, h.cfg.CookieName)
}

// cookieValue returns the value of a cookie, "" without one.
func cookieValue(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// correlationID returns the client's own id when it is harmless in logs and headers, and a new one otherwise.
func correlationID(given string) string {
	const longest = 128
	if given == "" || len(given) > longest || card.IsIn(given) {
		return rand.Text()
	}
	for _, c := range []byte(given) {
		isWord := (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')
		if !isWord && strings.IndexByte("-_.:", c) < 0 {
			return rand.Text()
		}
	}
	return given
}
