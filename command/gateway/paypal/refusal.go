package paypal

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"ticketing/command/gateway"
)

// refusal is an error response of PayPal. Its text contains nothing of what was sent; the debug id finds it in PayPal's own logs.
type refusal struct {
	what    string
	status  int
	name    string
	issues  []string
	debugID string
	atLogin bool // it refused an access token: nothing can be asked for
}

func newRefusal(what string, status int, body []byte) *refusal {
	var response struct {
		Name    string `json:"name"`
		DebugID string `json:"debug_id"`
		Details []struct {
			Issue string `json:"issue"`
		} `json:"details"`
	}
	_ = json.Unmarshal(body, &response) // without a name and issues the status is enough
	r := &refusal{what: what, status: status, name: response.Name, debugID: response.DebugID}
	for _, d := range response.Details {
		r.issues = append(r.issues, d.Issue)
	}
	return r
}

// Error implements error.
func (r *refusal) Error() string {
	return fmt.Sprintf("%s at PayPal: %d %s %v (debug id %s)", r.what, r.status, r.name, r.issues, r.debugID)
}

// Unwrap makes it gateway.ErrUnavailable if PayPal rejected the request before it processed it. After a fault of PayPal's own that is not
// certain. It is also gateway.ErrRefused if PayPal refused what was asked.
func (r *refusal) Unwrap() []error {
	var errs []error
	if r.status < http.StatusInternalServerError && r.status != http.StatusConflict {
		errs = append(errs, gateway.ErrUnavailable)
	}
	if !r.atLogin && gateway.IsAboutRequest(r.status) {
		errs = append(errs, gateway.ErrRefused)
	}
	return errs
}

// hasIssue reports whether one of these is the reason.
func (r *refusal) hasIssue(issues ...string) bool {
	return slices.ContainsFunc(r.issues, func(issue string) bool { return slices.Contains(issues, issue) })
}

// isAboutContent reports whether PayPal refused what was sent, and would refuse it again.
func (r *refusal) isAboutContent() bool {
	return r.status == http.StatusBadRequest || r.status == http.StatusUnprocessableEntity || r.status == http.StatusRequestEntityTooLarge
}

func hasStatus(err error, status int) bool {
	refused, ok := errors.AsType[*refusal](err)
	return ok && refused.status == status
}

// isBusy reports whether PayPal did not process a request because another one with the same key was in progress.
func isBusy(err error) bool { return hasStatus(err, http.StatusConflict) }
