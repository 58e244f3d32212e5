package text

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Line returns a text of one line, such as a name, as it is stored: in NFC, without white space around it, with a single blank for white
// space within. Control characters, and characters that can't be seen or that reorder others, are errors: two names that look the same
// must be the same. Whatever Line returns, it returns unchanged when it is given it again.
func Line(typed string) (string, error) {
	if err := check(typed, "\t"); err != nil {
		return "", err
	}
	return norm.NFC.String(strings.Join(strings.Fields(typed), " ")), nil
}

// Block is Line for a text of several lines, such as a description: it keeps line breaks, as "\n", and white space within lines.
func Block(typed string) (string, error) {
	if err := check(typed, "\t\n\r"); err != nil {
		return "", err
	}
	typed = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(typed)
	return norm.NFC.String(strings.TrimSpace(typed)), nil
}

// Fold returns the form in which names are compared: without differences of case, of width, of white space, and of characters that can't
// be seen. It accepts any text, so that names which were stored before Line existed can be compared too.
func Fold(name string) string {
	name = strings.Map(func(r rune) rune {
		if invisible(r) || unicode.Is(unicode.Variation_Selector, r) {
			return -1
		}
		return r
	}, name)
	// Folding case may undo NFKC, and twice is enough (Unicode, section 3.13).
	name = norm.NFKC.String(cases.Fold().String(norm.NFKC.String(name)))
	return strings.Join(strings.Fields(name), " ")
}

// IsBlank reports whether nothing of a text can be seen.
func IsBlank(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsSpace(r) && !invisible(r) && !unicode.Is(unicode.Variation_Selector, r) && !unicode.IsControl(r)
	})
}

// check refuses what no text may contain. allowed are control characters that it may.
func check(typed, allowed string) error {
	if !utf8.ValidString(typed) {
		return errors.New("must be valid text (UTF-8)")
	}
	before, characters := rune(0), 0
	for at, r := range typed {
		characters++
		after, _ := utf8.DecodeRuneInString(typed[at+utf8.RuneLen(r):])
		switch {
		case unicode.IsControl(r) && !strings.ContainsRune(allowed, r) && !isEdge(typed, at):
			return fmt.Errorf("must not contain control characters (character %d is U+%04X): type plain text", characters, r)
		case invisible(r) && !joins(before, r, after):
			return fmt.Errorf("must not contain characters that are invisible or change the direction (character %d is U+%04X): type letters, digits, signs and blanks only",
				characters, r)
		}
		before = r
	}
	return nil
}

// isEdge reports whether the control character at this byte is white space around the text, which is cut off.
func isEdge(typed string, at int) bool {
	return strings.TrimSpace(typed[:at]) == "" && unicode.IsSpace(rune(typed[at])) || strings.TrimSpace(typed[at:]) == ""
}

// invisible reports whether a character has no glyph of its own, or changes the direction of others: the category Cf, and the fillers that
// Unicode takes for letters and symbols.
func invisible(r rune) bool {
	switch r {
	case '\u034f', '\u115f', '\u1160', '\u17b4', '\u17b5', '\u2800', '\u3164', '\uffa0':
		return true
	}
	return unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r)
}

// The two characters that some scripts cannot be written without, and some emojis.
const nonJoiner, joiner = '\u200c', '\u200d'

// joins reports whether r is a joiner or non-joiner where it belongs: between emojis, or between letters of a script that is written
// with it. Fold ignores it there too.
func joins(before, r, after rune) bool {
	switch {
	case r != nonJoiner && r != joiner:
		return false
	case r == joiner && isEmoji(before) && isEmoji(after):
		return true
	}
	return isShaped(before) && isShaped(after)
}

func isEmoji(r rune) bool {
	return unicode.Is(unicode.So, r) || unicode.Is(unicode.Sk, r) && r > 0x1f000 || r == '\ufe0f'
}

func isShaped(r rune) bool {
	return unicode.In(r, unicode.Arabic, unicode.Syriac, unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi, unicode.Gujarati, unicode.Oriya,
		unicode.Tamil, unicode.Telugu, unicode.Kannada, unicode.Malayalam, unicode.Sinhala, unicode.Khmer, unicode.Myanmar, unicode.Mongolian)
}
