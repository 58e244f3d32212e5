// Package card recognises the numbers of payment cards, so that they can be refused before they are logged, traced or stored.
package card

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// keys matches what is certainly a key and no card's number if there is a letter among its digits: UUIDs and other hexadecimal keys.
var keys = regexp.MustCompile(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{24,}`)

const minDigits, maxDigits = 14, 19 // of the numbers that issuers give

// IsIn reports whether a text contains a number that could be a payment card's: it begins like those of an issuer, has as many digits, and
// passes the Luhn check. The digits are together, or grouped as on cards with blanks, dots or dashes between the groups. A part of a longer
// number does not count, nor does a part of a key. Phone numbers are none: in the countries whose codes begin like cards of 14 or 15 digits (30, 34,
// 36 to 39), they are shorter.
func IsIn(text string) bool {
	if countDigits(text) < minDigits {
		return false
	}
	var groups []string // of digits, with nothing but separators between them
	text = keys.ReplaceAllStringFunc(text, hideKey)
	for at := 0; at < len(text); {
		if !isDigit(text[at]) {
			if !isSeparator(text[at]) {
				groups = groups[:0]
			}
			at++
			continue
		}
		end := at
		for end < len(text) && isDigit(text[end]) {
			end++
		}
		if groups = append(groups, text[at:end]); endsInCard(groups) {
			return true
		}
		at = end
	}
	return false
}

func isDigit(c byte) bool     { return '0' <= c && c <= '9' }
func isSeparator(c byte) bool { return strings.IndexByte(" -.\t\n\r", c) >= 0 }

func countDigits(text string) (digits int) {
	for i := range len(text) {
		if isDigit(text[i]) {
			digits++
		}
	}
	return digits
}

// hideKey returns a key without its digits, and what could be a card's number as it is.
func hideKey(key string) string {
	if strings.ContainsAny(key, "abcdefABCDEF") {
		return "key"
	}
	return key
}

// grouping is how many digits the groups of a card's number have.
var grouping = [][]int{{4, 4, 4, 2}, {4, 4, 4, 3}, {4, 4, 4, 4}, {4, 4, 4, 4, 1}, {4, 4, 4, 4, 2}, {4, 4, 4, 4, 3}, {4, 6, 4}, {4, 6, 5}, {6, 13}, {8, 8}}

// endsInCard reports whether the last groups together are a card's number.
func endsInCard(groups []string) bool {
	last := groups[len(groups)-1]
	if isCard(last) {
		return true
	}
	for _, lengths := range grouping {
		if len(lengths) > len(groups) {
			continue
		}
		part := groups[len(groups)-len(lengths):]
		same := slices.EqualFunc(part, lengths, func(group string, length int) bool { return len(group) == length })
		if same && isCard(strings.Join(part, "")) {
			return true
		}
	}
	return false
}

// issuer is a range of the first four digits of cards' numbers, and how many digits these have.
type issuer struct {
	from, to int
	lengths  []int
}

var upTo19 = []int{16, 17, 18, 19}

// issuers are those whose cards the gateways take, and those that are seen most beside them. Ranges that are not issued any more are left
// out, such as Visa's with 13 digits: many phone numbers look like that.
var issuers = []issuer{
	{4000, 4999, []int{16, 19}},                      // Visa
	{5100, 5599, []int{16}}, {2221, 2720, []int{16}}, // Mastercard
	{3400, 3499, []int{15}}, {3700, 3799, []int{15}}, // American Express
	{3000, 3059, []int{14, 16}}, {3090, 3099, []int{14, 16}}, // Diners Club
	{3600, 3699, []int{14, 16}}, {3800, 3999, []int{14, 16}}, // Diners Club
	{6011, 6011, upTo19}, {6440, 6599, upTo19}, // Discover
	{6200, 6299, upTo19}, {8100, 8171, upTo19}, // UnionPay
	{3528, 3589, upTo19},                       // JCB
	{2200, 2204, upTo19},                       // Mir
	{5080, 5089, []int{16}},                    // RuPay
	{5018, 5018, upTo19}, {5020, 5020, upTo19}, // Maestro
	{5038, 5038, upTo19}, {5893, 5893, upTo19}, // Maestro
	{6304, 6304, upTo19}, {6759, 6763, upTo19}, // Maestro
}

// isCard reports whether some issuer gives such numbers, and the Luhn sum is right.
func isCard(digits string) bool {
	return len(digits) >= minDigits && len(digits) <= maxDigits && isIssued(digits) && hasLuhnSum(digits)
}

func isIssued(digits string) bool {
	first, err := strconv.Atoi(digits[:4])
	return err == nil && slices.ContainsFunc(issuers, func(i issuer) bool {
		return i.from <= first && first <= i.to && slices.Contains(i.lengths, len(digits))
	})
}

func hasLuhnSum(digits string) bool {
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
