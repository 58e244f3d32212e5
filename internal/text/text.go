// Package text normalises what people type, so that names which look the same are the same, and shortens what clients send, so that messages
// and records stay small.
package text

import "unicode/utf8"

// Clip returns the first n bytes of s, or a few less where it would otherwise cut a character.
func Clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// Shorten returns s when it has at most n bytes, else it clips s and appends "…".
func Shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return Clip(s, n) + "…"
}
