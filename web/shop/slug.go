package shop

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// longestSlug bounds the words in an address, in bytes.
const longestSlug = 60

// spelledOut are letters that have no accent to take away.
var spelledOut = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss", "æ", "ae", "ø", "o", "å", "a", "œ", "oe", "ł", "l", "đ", "d")

// slugOf returns a name as the words of an address: "Café – die Nacht" is "cafe-die-nacht". Names in other scripts than Latin have none.
func slugOf(name string) string {
	var slug strings.Builder
	for _, c := range norm.NFKD.String(spelledOut.Replace(norm.NFC.String(strings.ToLower(name)))) {
		switch {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			slug.WriteRune(c)
		case unicode.Is(unicode.Mn, c): // an accent
		case slug.Len() > 0 && !strings.HasSuffix(slug.String(), "-"):
			slug.WriteByte('-')
		}
		if slug.Len() >= longestSlug {
			break
		}
	}
	return strings.Trim(slug.String(), "-")
}

// eventPath returns the path of an event's page.
func eventPath(e event) string {
	if slug := slugOf(e.Name); slug != "" {
		return "/events/" + slug + "-" + e.ID
	}
	return "/events/" + e.ID
}

// eventIDIn returns the id at the end of the last part of an event's path.
func eventIDIn(part string) string {
	if i := strings.LastIndex(part, "evt_"); i >= 0 {
		return part[i:]
	}
	return part
}
