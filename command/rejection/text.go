package rejection

import (
	"unicode/utf8"

	"ticketing/internal/text"
)

// CheckLength rejects a text of more than longest characters. The last element of path names it in the message.
func CheckLength(value string, longest int, path ...string) error {
	if len(value) > longest && utf8.RuneCountInString(value) > longest {
		return New(Invalid, "%s must have at most %d characters", path[len(path)-1], longest).At(path...)
	}
	return nil
}

// CheckName rejects a text that is blank or has more than longest characters.
func CheckName(value string, longest int, path ...string) error {
	if text.IsBlank(value) {
		return New(Invalid, "%s must not be empty", path[len(path)-1]).At(path...)
	}
	return CheckLength(value, longest, path...)
}

// ReadName returns a new name as it is stored (text.Line), and rejects one that is blank or has more than longest characters.
func ReadName(typed string, longest int, path ...string) (string, error) {
	name, err := text.Line(typed)
	if err != nil {
		return "", New(Invalid, "%s %s", path[len(path)-1], err).At(path...)
	}
	return name, CheckName(name, longest, path...)
}

// ReadText is ReadName for a text that may have several lines, and may be missing.
func ReadText(typed string, longest int, path ...string) (string, error) {
	value, err := text.Block(typed)
	if err != nil {
		return "", New(Invalid, "%s %s", path[len(path)-1], err).At(path...)
	}
	return value, CheckLength(value, longest, path...)
}
