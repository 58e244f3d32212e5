// Package words splits texts into words for searching. The projector stores the words of an event, and the API searches for words with the
// prefixes that a user typed. Both must agree, and neither may depend on the locale of a database.
package words

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"ticketing/internal/text"
)

// longest bounds a word in bytes: PostgreSQL refuses lexemes above 2046 bytes.
const longest = 64

// Of returns the distinct words of the texts, in lower case and without accents, sorted.
func Of(texts ...string) []string {
	var all []string
	for _, text := range texts {
		all = append(all, strings.FieldsFunc(foldCase(text), isSeparator)...)
	}
	for i, word := range all {
		all[i] = text.Clip(word, longest)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Query returns a search as a tsquery: each of its words must be the beginning of a word of the text. It returns "" if the search has no
// words.
func Query(search string) string {
	const most = 16 // the rest is ignored
	asked := Of(search)
	terms := make([]string, 0, len(asked))
	for _, word := range asked[:min(len(asked), most)] {
		terms = append(terms, "'"+word+"':*") // a word has only letters and digits, so that nothing needs escaping
	}
	return strings.Join(terms, " & ")
}

// foldCase removes case and accents, so that "beyonce" finds "Beyoncé" and the other way round.
func foldCase(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(text))
}

func isSeparator(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
