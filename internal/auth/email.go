package auth

import (
	"net/mail"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"ticketing/internal/card"
)

// The bounds of RFC 5321.
const (
	longestEmail     = 254
	longestLocalPart = 64
)

// domains converts internationalised domains as browsers do, but refuses names that DNS can't hold.
var domains = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.VerifyDNSLength(true))

// NormalizeEmail returns the form of an address in which it is stored, compared, counted and used: lower case, with an
// internationalised domain in ASCII. It refuses local parts beyond ASCII, since few servers deliver to them and characters that look or
// fold alike would let one person pass for another, quoted local parts, and IP addresses as domains. Error: ErrEmailInvalid.
func NormalizeEmail(text string) (string, error) {
	text = strings.TrimSpace(text)
	if len(text) > longestEmail || card.IsIn(text) {
		return "", ErrEmailInvalid
	}
	parsed, err := mail.ParseAddress(text)
	if err != nil || parsed.Address != text { // a name, brackets, quotes or comments around it
		return "", ErrEmailInvalid
	}
	at := strings.LastIndexByte(text, '@')
	local := text[:at]
	if !isASCII(local) || len(local) > longestLocalPart || strings.ContainsAny(local, "\"@") || hasLookAlike(text[at+1:]) {
		return "", ErrEmailInvalid
	}
	local = strings.ToLower(local)
	domain, err := domains.ToASCII(text[at+1:])
	if err != nil {
		return "", ErrEmailInvalid
	}
	if email := local + "@" + domain; len(email) <= longestEmail {
		return email, nil
	}
	return "", ErrEmailInvalid
}

// hasLookAlike reports whether a domain has characters beyond ASCII that become ones in ASCII: it would be taken for another domain than
// the one that was typed. (The Kelvin sign becomes a k, for example.)
func hasLookAlike(domain string) bool {
	for _, r := range domain {
		if r < utf8.RuneSelf {
			continue
		}
		if plain := strings.ToLower(norm.NFKC.String(string(r))); isASCII(plain) || strings.ContainsRune("\u3002\uFF61", r) {
			return true
		}
	}
	return false
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
