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
	"ticketing/internal/loopback"
	"ticketing/internal/money"
)

// Bounds of texts that only the API knows, in characters. The aggregates export the others.
const (
	longestToken  = 255
	longestURL    = 2_000
	longestSearch = 200
)

// check collects everything that is wrong with the form of an input, so that a customer mends it in one go.
type check struct{ errs []*model.UserError }

func (c *check) failf(path []string, format string, args ...any) {
	c.errs = append(c.errs, userError(rejection.New(rejection.Invalid, format, args...).At(path...)))
}

// id checks the form of an identifier; whether there is such an object is decided on the write side.
func (c *check) id(prefix, value string, path ...string) {
	switch err := id.Check(prefix, value); {
	case err != nil && card.IsIn(value):
		c.noCard(path)
	case err != nil:
		c.failf(path, "%s", err)
	}
}

// line checks a text of one line that must not be blank.
func (c *check) line(value string, longest int, path ...string) {
	switch {
	case strings.TrimSpace(value) == "":
		c.failf(path, "%s must not be empty", last(path))
	case !within(value, longest):
		c.failf(path, "%s must have at most %d characters", last(path), longest)
	case card.IsIn(value):
		c.noCard(path)
	case !isText(value, ""):
		c.failf(path, "%s must be valid text without control characters", last(path))
	}
}

// lines checks a text that may have several lines, and may be missing.
func (c *check) lines(value *string, longest int, path ...string) {
	switch {
	case value == nil:
	case !within(*value, longest):
		c.failf(path, "%s must have at most %d characters", last(path), longest)
	case card.IsIn(*value):
		c.noCard(path)
	case !isText(*value, "\n\r\t"):
		c.failf(path, "%s must be valid text without control characters", last(path))
	}
}

// optionalLine checks a line that may be missing.
func (c *check) optionalLine(value *string, longest int, path ...string) {
	if value != nil {
		c.line(*value, longest, path...)
	}
}

// money reads an amount of its currency.
func (c *check) money(value *model.MoneyInput, path ...string) money.Money {
	if _, known := money.Exponent(value.CurrencyCode); !known {
		c.failf(append(path, "currencyCode"), "currencyCode is not a current ISO 4217 code")
		return money.Money{}
	}
	parsed, err := money.Parse(value.Amount, value.CurrencyCode)
	path = append(path, "amount")
	switch {
	case card.IsIn(value.Amount):
		c.noCard(path)
	case err != nil:
		c.failf(path, "%s", err)
	}
	return parsed
}

// noCard refuses what looks like a card number, without ever repeating what was sent.
func (c *check) noCard(path []string) {
	c.failf(path, "%s looks like it holds a card number, which must never be sent here", last(path))
}

// cardToken checks a token of a payment gateway.
func (c *check) cardToken(token string, path ...string) {
	switch {
	case card.IsIn(token):
		c.failf(path, "this looks like a card number, which must never be sent here: give the payment gateway's token")
	case token == "" || len(token) > longestToken || !isPrintable(token):
		c.failf(path, "token must have 1 to %d printable ASCII characters", longestToken)
	}
}

// pageURL checks where a gateway sends a customer back to. Nothing of it is repeated: it may hold what only the customer should see.
func (c *check) pageURL(value string, development bool, path ...string) {
	u, err := url.Parse(value)
	secure := err == nil && (u.Scheme == "https" || development && u.Scheme == "http" && loopback.Is(u.Hostname()))
	switch {
	case card.IsIn(value):
		c.noCard(path)
	case len(value) > longestURL || !isPrintable(value) || !secure || u.Hostname() == "" || u.User != nil:
		c.failf(path, "%s must be an absolute https URL of at most %d characters, without a user", last(path), longestURL)
	}
}

// checkSearch answers BAD_USER_INPUT: queries have no userErrors.
func checkSearch(search *string) error {
	if search != nil && (card.IsIn(*search) || !within(*search, longestSearch) || !isText(*search, "\t")) {
		return apierror.New(apierror.BadUserInput, "search must be valid text of at most %d characters", longestSearch)
	}
	return nil
}

func within(value string, longest int) bool {
	return len(value) <= longest || (len(value) <= longest*utf8.UTFMax && utf8.RuneCountInString(value) <= longest)
}

// isText says whether the value is UTF-8 without control characters other than those allowed.
func isText(value, allowed string) bool {
	if !utf8.ValidString(value) {
		return false
	}
	return !strings.ContainsFunc(value, func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune(allowed, r) })
}

func isPrintable(value string) bool {
	return !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' })
}

func last(path []string) string {
	name := path[len(path)-1]
	if _, err := strconv.Atoi(name); err == nil && len(path) > 1 {
		return path[len(path)-2] + "." + name
	}
	return name
}
