package house

import (
	"go/ast"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// oldWord is a word that this code base does not use in comments, messages, documentation and names of tests.
type oldWord struct {
	pattern *regexp.Regexp
	instead string
}

// oldWords has one meaning for each word, and no words that readers have to translate. docs/glossary.md has the words to use.
var oldWords = []oldWord{
	{word(`answers|answered`), `functions return; servers respond`},
	{word(`says? .{0,40}\bwhether`), `a bool function "reports whether"`},
	{word(`nobody|somebody|everybody|anybody|whoever|whomever|whom`), `name the user, customer, caller or process`},
	{word(`himself|herself|his|her|hers`), `customers are "they"`},
	{word(`(is|are|was|were|be|been|being) told`), `name what is sent, returned or reported, and to which component`},
	{word(`mend|mends|mended|mending`), `errors are corrected, retried or repaired`},
	{word(`stands? (in|at|on|for)`), `use "is" or "means"`},
	{word(`(come|comes|came) to (be|nothing|an end)`), `use "becomes", "fails" or "ends"`},
	{word(`wish|wishes|wished|wishing`), `it is a command, a request or an option`},
	{word(`occasions?`), `the thing that tickets are sold for is an event`},
	{word(`bills?|bookings?`), `customers have payments and reservations`},
	{word(`stock`), `the sections and seats of an event are its inventory`},
}

func word(alternatives string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)\b(?:` + alternatives + `)\b`)
}

// A word that needs a translation slows down each reader once for each place it is in.
func TestCommentsAndDocumentationUseNoOldWords(t *testing.T) {
	t.Parallel()
	for _, file := range allGoFiles(t) {
		for _, group := range file.syntax.Comments {
			for _, comment := range group.List {
				reportOldWords(t, file.line(comment.Pos()), comment.Text)
			}
		}
	}
	for _, file := range documents(t) {
		reportOldWords(t, file.line, file.text)
	}
}

// A text of one word is a name or a value and no message.
func TestMessagesUseNoOldWords(t *testing.T) {
	t.Parallel()
	for _, file := range allGoFiles(t) {
		ast.Inspect(file.syntax, func(node ast.Node) bool {
			if text, ok := node.(*ast.BasicLit); ok && strings.Contains(text.Value, " ") {
				reportOldWords(t, file.line(text.Pos()), text.Value)
			}
			return true
		})
	}
}

func TestNamesOfTestsUseNoOldWords(t *testing.T) {
	t.Parallel()
	for _, file := range goFiles(t) {
		for _, function := range file.functions() {
			if file.isTest() && ast.IsExported(function.Name.Name) {
				reportOldWords(t, file.line(function.Pos()), splitWords(function.Name.Name))
			}
		}
	}
}

// A name is read as often as a comment.
func TestIdentifiersUseNoOldWords(t *testing.T) {
	t.Parallel()
	for _, file := range allGoFiles(t) {
		ast.Inspect(file.syntax, func(node ast.Node) bool {
			if name, ok := node.(*ast.Ident); ok {
				reportOldWords(t, file.line(name.Pos()), splitWords(name.Name))
			}
			return true
		})
	}
}

func reportOldWords(t *testing.T, first location, text string) {
	t.Helper()
	for i, line := range strings.Split(text, "\n") {
		for _, old := range oldWords {
			if found := old.pattern.FindString(line); found != "" {
				t.Errorf("%s:%d: %q: %s", first.path, first.line+i, found, old.instead)
			}
		}
	}
}

// splitWords turns "TestItExpires" into "Test It Expires".
func splitWords(name string) string {
	var words strings.Builder
	for _, r := range name {
		if unicode.IsUpper(r) {
			words.WriteByte(' ')
		}
		words.WriteRune(r)
	}
	return words.String()
}
