package rejection

import (
	"strings"
	"unicode/utf8"
)

// CheckLength rejects a text of more than longest characters. The last element of path names it in the message.
func CheckLength(text string, longest int, path ...string) error {
	if len(text) > longest && utf8.RuneCountInString(text) > longest {
		return New(Invalid, "%s must have at most %d characters", path[len(path)-1], longest).At(path...)
	}
	return nil
}

// CheckName rejects a text that is blank or has more than longest characters.
func CheckName(text string, longest int, path ...string) error {
	if strings.TrimSpace(text) == "" {
		return New(Invalid, "%s must not be empty", path[len(path)-1]).At(path...)
	}
	return CheckLength(text, longest, path...)
}
