package shop

import (
	"errors"
	"net/http"
	"strconv"
)

// failure is what the page of an error shows.
type failure struct {
	Title, Text string
	Seconds     int // after which to try again; 0: whenever
}

// fail shows the page of an error. key names its title and text in the catalog.
func (v *visit) fail(status int, key string) {
	v.failAfter(status, key, 0)
}

func (v *visit) failAfter(status int, key string, seconds int) {
	if seconds > 0 {
		v.w.Header().Set("Retry-After", strconv.Itoa(seconds))
	}
	v.show(status, "failure", view{
		Title: v.lang.text(key + ".title"), Data: failure{v.lang.text(key + ".title"), v.lang.text(key + ".text"), seconds},
	})
}

// failWith shows the page for an error of an operation. What is not the customer's is in the log.
func (v *visit) failWith(err error) {
	refused, ok := errors.AsType[*apiError](err)
	if !ok {
		v.cfg.Logger.ErrorContext(v.r.Context(), "a page of the shop failed", "path", v.r.URL.Path, "error", err)
		v.fail(http.StatusInternalServerError, "failure.internal")
		return
	}
	switch refused.Code {
	case "UNAUTHENTICATED":
		v.fail(http.StatusUnauthorized, "failure.signIn")
	case "FORBIDDEN":
		v.fail(http.StatusForbidden, "failure.forbidden")
	case "NOT_FOUND", "BAD_USER_INPUT":
		v.fail(http.StatusNotFound, "failure.notFound")
	case "RATE_LIMITED":
		v.failAfter(http.StatusTooManyRequests, "failure.limited", max(1, refused.RetryAfter))
	case "UNAVAILABLE", "READ_BEHIND":
		v.failAfter(http.StatusServiceUnavailable, "failure.unavailable", max(1, refused.RetryAfter))
	default:
		v.cfg.Logger.ErrorContext(v.r.Context(), "a page of the shop was refused", "path", v.r.URL.Path, "error", err)
		v.fail(http.StatusInternalServerError, "failure.internal")
	}
}

// hasCode reports whether err is an error of the API with the code.
func hasCode(err error, code string) bool {
	refused, ok := errors.AsType[*apiError](err)
	return ok && refused.Code == code
}
