// Package words says what a word is when people search: the projector stores the words of an event, the API looks for words that
// begin like the ones asked for. Both sides must agree, and neither may depend on the locale of a database.
package words

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"ticketing/internal/text"
)

// longest bounds a word: PostgreSQL refuses lexemes above 2046 bytes.
const longest = 64

// Of answers the distinct words of the texts, lower case and without accents, sorted.
func Of(texts ...string) []string {
	var all []string
	for _, text := range texts {
		all = append(all, strings.FieldsFunc(fold(text), isSeparator)...)
	}
	for i, word := range all {
		all[i] = text.Clip(word, longest)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Query answers the search as a tsquery: every word must be the beginning of a word of the text. It is "" when the search has no
// words.
func Query(search string) string {
	const most = 16 // a search box, not a text
	asked := Of(search)
	terms := make([]string, 0, len(asked))
	for _, word := range asked[:min(len(asked), most)] {
		terms = append(terms, "'"+word+"':*") // a word has letters and digits only, so that nothing needs escaping
	}
	return strings.Join(terms, " & ")
}

// fold takes accents off: "Beyoncé" is found by "beyonce", and the other way round.
func fold(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(text))
}

func isSeparator(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
