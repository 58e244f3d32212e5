// Package card recognises the numbers of payment cards, so that they can be refused before they are logged, traced or stored.
package card

import (
	"regexp"
	"strings"
)

// uuid is what idempotency keys often are: their digits pass for a card's once in a few hundred times.
var uuid = regexp.MustCompile(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`)

// IsIn says whether a text holds a number that could be a payment card's: 13 to 19 digits, written together or with blanks, dots and
// dashes between them, that begin like a card's and pass the Luhn check. Tokens of gateways are not written so.
func IsIn(text string) bool {
	const shortest, longest = 13, 19
	if len(text) < shortest {
		return false
	}
	text = uuid.ReplaceAllLiteralString(text, "u")
	digits := make([]byte, 0, len(text))
	flush := func() bool {
		for from := 0; from+shortest <= len(digits); from++ {
			for n := shortest; n <= longest && from+n <= len(digits); n++ {
				if isCard(digits[from : from+n]) {
					return true
				}
			}
		}
		digits = digits[:0]
		return false
	}
	for _, c := range []byte(text) {
		switch {
		case c >= '0' && c <= '9':
			digits = append(digits, c-'0')
		case strings.IndexByte(" -.\t\n\r", c) >= 0:
		default:
			if flush() {
				return true
			}
		}
	}
	return flush()
}

// isCard checks the first digit of the industries that issue payment cards, and the Luhn sum.
func isCard(digits []byte) bool {
	if digits[0] < 2 || digits[0] > 6 {
		return false
	}
	sum := 0
	for i := range digits {
		d := int(digits[len(digits)-1-i])
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
