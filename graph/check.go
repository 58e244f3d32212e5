package graph

import (
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"ticketing/command/rejection"
	"ticketing/graph/apierror"
	"ticketing/graph/model"
	"ticketing/internal/card"
	"ticketing/internal/id"
)

// Bounds of texts that only the API knows, in characters. The aggregates export the others.
const (
	longestToken  = 255
	longestURL    = 2_000
	longestSearch = 200
)

// checker collects everything that is wrong with the form of an input, so that a customer can correct it in one go. Paths lead to the
// field within the input.
type checker struct{ errs []*model.UserError }

func (c *checker) addError(path []string, format string, args ...any) {
	c.errs = append(c.errs, userError(rejection.New(rejection.Invalid, format, args...).At(path...)))
}

// checkID checks the form of an identifier; the write side decides whether there is such an object.
func (c *checker) checkID(prefix, value string, path ...string) {
	switch err := id.Check(prefix, value); {
	case err != nil && card.IsIn(value):
		c.refuseCard(path)
	case err != nil:
		c.addError(path, "%s", err)
	}
}

// readLine returns a new name as it is stored, and checks that it is not blank.
func (c *checker) readLine(typed string, longest int, path ...string) string {
	return c.readTyped(rejection.ReadName, typed, longest, path)
}

// readOptionalLine is readLine for a name that may be missing.
func (c *checker) readOptionalLine(typed *string, longest int, path ...string) *string {
	if typed == nil {
		return nil
	}
	name := c.readLine(*typed, longest, path...)
	return &name
}

// readText returns a text that may have several lines as it is stored; it may be missing.
func (c *checker) readText(typed *string, longest int, path ...string) *string {
	if typed == nil {
		return nil
	}
	value := c.readTyped(rejection.ReadText, *typed, longest, path)
	return &value
}

func (c *checker) readTyped(read func(string, int, ...string) (string, error), typed string, longest int, path []string) string {
	value, err := read(typed, longest, fieldName(path))
	refused, _ := rejection.As(err)
	switch {
	case card.IsIn(typed) || card.IsIn(value):
		c.refuseCard(path)
	case refused != nil:
		c.errs = append(c.errs, userError(refused.At(path...)))
	}
	return value
}

// checkLine checks a name by which something that exists is looked up. It is not changed: what was stored before names were normalised
// must be found too.
func (c *checker) checkLine(value string, longest int, path ...string) {
	switch {
	case strings.TrimSpace(value) == "":
		c.addError(path, "%s must not be empty", fieldName(path))
	case !isWithin(value, longest):
		c.addError(path, "%s must have at most %d characters", fieldName(path), longest)
	case card.IsIn(value):
		c.refuseCard(path)
	case !isText(value, ""):
		c.addError(path, "%s must be valid text without control characters", fieldName(path))
	}
}

// refuseCard refuses what looks like a card number, without ever repeating what was sent.
func (c *checker) refuseCard(path []string) {
	c.addError(path, "%s seems to contain a card number, which must never be sent here", fieldName(path))
}

// checkToken checks a token of a payment gateway.
func (c *checker) checkToken(token string, path ...string) {
	switch {
	case card.IsIn(token):
		c.addError(path, "this looks like a card number, which must never be sent here: give the payment gateway's token")
	case token == "" || len(token) > longestToken || !isPrintable(token):
		c.addError(path, "token must have 1 to %d printable ASCII characters", longestToken)
	}
}

// checkURL checks where a gateway sends a customer back to: a page of ours, since the customer believes that the gateway sent them to the shop.
// Messages do not repeat it: it may hold a secret of the customer.
func (c *checker) checkURL(value string, pages returnPages, path ...string) {
	u, err := url.Parse(value)
	switch {
	case card.IsIn(value):
		c.refuseCard(path)
	case len(value) > longestURL || !isPrintable(value) || err != nil || u.Hostname() == "" || u.User != nil || u.Scheme != "https" && !pages.include(u):
		c.addError(path, "%s must be an absolute https URL of at most %d characters, without a user", fieldName(path), longestURL)
	case !pages.include(u):
		c.addError(path, "%s must be a page of the shop: its origin is not one of those that RETURN_ORIGINS allows", fieldName(path))
	}
}

// checkSearch returns BAD_USER_INPUT: queries have no userErrors.
func checkSearch(search *string) error {
	if search != nil && (card.IsIn(*search) || !isWithin(*search, longestSearch) || !isText(*search, "\t")) {
		return apierror.New(apierror.BadUserInput, "search must be valid text of at most %d characters", longestSearch)
	}
	return nil
}

func isWithin(value string, longest int) bool {
	return len(value) <= longest || (len(value) <= longest*utf8.UTFMax && utf8.RuneCountInString(value) <= longest)
}

// isText reports whether the value is UTF-8 without control characters other than those allowed.
func isText(value, allowed string) bool {
	if !utf8.ValidString(value) {
		return false
	}
	return !strings.ContainsFunc(value, func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune(allowed, r) })
}

func isPrintable(value string) bool {
	return !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' })
}

// fieldName returns the path's last name, with the index of an element: "seats.0".
func fieldName(path []string) string {
	name := path[len(path)-1]
	if _, err := strconv.Atoi(name); err == nil && len(path) > 1 {
		return path[len(path)-2] + "." + name
	}
	return name
}
