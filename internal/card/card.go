// Package card recognises the numbers of payment cards, so that they can be refused before they are logged, traced or stored.
package card

import (
	"regexp"
	"strings"
)

// uuid matches UUIDs, which idempotency keys often are: one in a few hundred has digits like a card's.
var uuid = regexp.MustCompile(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`)

// The number of digits of a card's number (ISO/IEC 7812).
const minDigits, maxDigits = 13, 19

// IsIn reports whether a text contains a number that could be a payment card's: 13 to 19 digits, together or in groups separated by blanks,
// dots and dashes, that begin like a card's and pass the Luhn check. Tokens of gateways do not look like that. A part of a longer number
// does not count, since most idempotency keys and timestamps of many digits would contain one.
func IsIn(text string) bool {
	if len(text) < minDigits {
		return false
	}
	var groups []string // of digits, with nothing but separators between them
	text = uuid.ReplaceAllLiteralString(text, "u")
	for at := 0; at < len(text); {
		end := at
		for end < len(text) && '0' <= text[end] && text[end] <= '9' {
			end++
		}
		switch {
		case end > at:
			groups = append(groups, text[at:end])
			if endsInCard(groups) {
				return true
			}
			at = end
		default:
			if strings.IndexByte(" -.\t\n\r", text[at]) < 0 {
				groups = groups[:0]
			}
			at++
		}
	}
	return false
}

// endsInCard reports whether the last groups together are a card's number.
func endsInCard(groups []string) bool {
	digits := ""
	for i := len(groups) - 1; i >= 0; i-- {
		digits = groups[i] + digits
		if len(digits) > maxDigits {
			return false
		}
		if len(digits) >= minDigits && isCard(digits) {
			return true
		}
	}
	return false
}

// isCard checks that the first digit is one of the card industry's, and the Luhn sum.
func isCard(digits string) bool {
	if digits[0] < '2' || digits[0] > '6' {
		return false
	}
	sum := 0
	for i := range digits {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
