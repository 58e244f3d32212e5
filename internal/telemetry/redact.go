package telemetry

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync/atomic"

	"ticketing/internal/card"
)

// What a text shows in the place of what it must not contain.
const (
	hiddenSecret  = "[secret]"
	hiddenAddress = "[mail address]"
	hiddenCard    = "[card number]"
)

var (
	urlPasswords  = regexp.MustCompile(`(://[^/\s:@]*:)[^/\s@]+@`)
	mailAddresses = regexp.MustCompile(`(?:://)?[\pL\pN._%+'-]+@(?:[\pL\pN-]+\.)+\pL[\pL\pN-]*`)
	keyPrefixes   = regexp.MustCompile(`\b(?:[sr]k_(?:live|test)_|whsec_)[A-Za-z0-9+/=_-]+|(?i:\bbearer\s+)[A-Za-z0-9+/=._~-]{8,}`)
	longWords     = regexp.MustCompile(`[A-Za-z0-9_-]{40,}`)
	digitGroups   = regexp.MustCompile(`[0-9](?:[ .-]?[0-9]){12,22}`)
)

// shortestToken is how long the words are that may be tokens: session tokens and those of magic links have 43 characters.
const shortestToken = 40

// shortestSecret is how long a configured secret is at least that is looked for: a shorter one would be found in ordinary words.
const shortestSecret = 10

// shortestAddress is how long a mail address is at least; nothing else that is hidden is shorter.
const shortestAddress = 5

// configured replaces the secrets of the configuration. nil: there are none.
var configured atomic.Pointer[strings.Replacer]

// Hide has Redact replace these secrets wherever they occur.
func Hide(secrets ...string) {
	var pairs []string
	for _, secret := range secrets {
		if len(secret) >= shortestSecret {
			pairs = append(pairs, secret, hiddenSecret)
		}
	}
	if len(pairs) == 0 {
		configured.Store(nil)
		return
	}
	configured.Store(strings.NewReplacer(pairs...))
}

// Redact returns a text without passwords, tokens, mail addresses and numbers of payment cards.
func Redact(text string) string {
	if len(text) < shortestAddress {
		return text
	}
	if secrets := configured.Load(); secrets != nil {
		text = secrets.Replace(text)
	}
	if strings.IndexByte(text, '@') >= 0 {
		text = urlPasswords.ReplaceAllString(text, "${1}"+hiddenSecret+"@")
		text = mailAddresses.ReplaceAllStringFunc(text, hideAddress)
	}
	if strings.IndexByte(text, '_') >= 0 || strings.IndexByte(text, ' ') >= 0 {
		text = keyPrefixes.ReplaceAllString(text, hiddenSecret)
	}
	if len(text) >= shortestToken {
		text = longWords.ReplaceAllStringFunc(text, hideToken)
	}
	if card.IsIn(text) {
		text = hideCards(text)
	}
	return text
}

// hideAddress hides a mail address, but not the user and the host of a URL.
func hideAddress(address string) string {
	if strings.HasPrefix(address, "://") {
		return address
	}
	return hiddenAddress
}

// hideToken hides a long word if it looks random: it has digits, and letters of both kinds.
func hideToken(word string) string {
	const digits, lower, upper = "0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	if strings.ContainsAny(word, digits) && strings.ContainsAny(word, lower) && strings.ContainsAny(word, upper) {
		return hiddenSecret
	}
	return word
}

func hideCards(text string) string {
	text = digitGroups.ReplaceAllStringFunc(text, func(digits string) string {
		if card.IsIn(digits) {
			return hiddenCard
		}
		return digits
	})
	if card.IsIn(text) {
		return hiddenCard // grouped in another way
	}
	return text
}

// isIdentifier reports whether an attribute has an id that was made here, or was checked when it was accepted.
func isIdentifier(key string) bool {
	switch key {
	case "trace_id", "span_id", "correlation_id", "user", "correlation.id", "user.id":
		return true
	}
	return false
}

// secretKeys are the names of attributes whose values are secret, whatever they look like.
var secretKeys = map[string]bool{
	"authorization": true, "cookie": true, "email": true, "mail": true, "password": true, "secret": true, "token": true,
}

// redactAttr is slog.HandlerOptions.ReplaceAttr.
func redactAttr(_ []string, a slog.Attr) slog.Attr {
	if isIdentifier(a.Key) {
		return a
	}
	if secretKeys[strings.ToLower(a.Key)] {
		a.Value = slog.StringValue(hiddenSecret)
		return a
	}
	switch v := a.Value; v.Kind() { //nolint:exhaustive // numbers and times have nothing to hide
	case slog.KindString:
		a.Value = slog.StringValue(Redact(v.String()))
	case slog.KindAny:
		a.Value = redactValue(v)
	}
	return a
}

// redactValue returns an error or a Stringer as its text, and another value as it is unless something in it is to be hidden.
func redactValue(v slog.Value) slog.Value {
	switch value := v.Any().(type) {
	case nil, *slog.Source, slog.Level:
		return v
	case error:
		return slog.StringValue(Redact(value.Error()))
	case fmt.Stringer:
		return slog.StringValue(Redact(value.String()))
	default:
		text, err := json.Marshal(value)
		if err != nil {
			return slog.StringValue(Redact(fmt.Sprint(value)))
		}
		if clean := Redact(string(text)); clean != string(text) {
			return slog.StringValue(clean)
		}
		return v
	}
}
