// Package card recognises the numbers of payment cards, so that they can be refused before they are logged, traced or stored.
package card

import (
	"regexp"
	"strings"
)

// uuid is what idempotency keys often are: their digits pass for a card's once in a few hundred times.
var uuid = regexp.MustCompile(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`)

// A card's number has so many digits (ISO/IEC 7812).
const shortest, longest = 13, 19

// IsIn says whether a text holds a number that could be a payment card's: 13 to 19 digits, written together or in groups with blanks, dots and
// dashes between them, that begin like a card's and pass the Luhn check. Tokens of gateways are not written so. A part of a longer number is
// none: idempotency keys and timestamps of many digits would hold one more often than not.
func IsIn(text string) bool {
	if len(text) < shortest {
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

// endsInCard says whether the last groups together are a card's number.
func endsInCard(groups []string) bool {
	digits := ""
	for i := len(groups) - 1; i >= 0; i-- {
		digits = groups[i] + digits
		if len(digits) > longest {
			return false
		}
		if len(digits) >= shortest && isCard(digits) {
			return true
		}
	}
	return false
}

// isCard checks the first digit of the industries that issue payment cards, and the Luhn sum.
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
