package text_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/text"
)

func TestALineIsStoredInOneForm(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"Floor":                   "Floor",
		"  Floor\t":               "Floor",
		"\nFloor\r\n":             "Floor",
		"Upper   circle":          "Upper circle",
		"Upper\u00a0\u3000circle": "Upper circle",
		"Upper\tcircle":           "Upper circle",
		"Cafe\u0301":              "Café",
		"نمی\u200cخواهم":          "نمی\u200cخواهم",
		"👩\u200d👩\u200d👧":         "👩\u200d👩\u200d👧",
		"❤\ufe0f\u200d🔥":          "❤\ufe0f\u200d🔥",
		"שלום":                    "שלום",
		"":                        "",
		" ":                       "",
	} {
		got, err := text.Line(typed)
		require.NoError(t, err, "%q", typed)
		require.Equal(t, want, got, "%q", typed)
		again, err := text.Line(got)
		require.NoError(t, err)
		require.Equal(t, got, again)
	}
}

func TestALineRefusesWhatCannotBeSeen(t *testing.T) {
	t.Parallel()
	for _, typed := range []string{
		"Flo\u200bor", "\u200bFloor", "Floor\u200d", "Floor\u200d\u200d", "Flo\u200cor", "\u202eroolF", "Floor\u2066", "Floor\u200f", "\ufeffFloor", "Flo\u00ador",
		"\u2060", "\u3164", "\u2800", "\u115f", "a\u180eb", "🏴\U000e0067", "a\nb", "a\rb", "a\x00b", "a\u0085b", "\x00a", "a\x00", "\x7f", "\xff", "a\xc3",
	} {
		_, err := text.Line(typed)
		require.Error(t, err, "%q", typed)
	}
}

func TestTheErrorSaysWhereAndWhatIsRight(t *testing.T) {
	t.Parallel()
	_, err := text.Line("Café\u200b")
	require.EqualError(t, err, "must not contain characters that are invisible or change the direction (character 5 is U+200B): "+
		"type letters, digits, signs and blanks only")
}

func TestABlockKeepsItsLines(t *testing.T) {
	t.Parallel()
	got, err := text.Block(" An evening\r\n\r\n  with Cafe\u0301.\tBring:\rfriends \n")
	require.NoError(t, err)
	require.Equal(t, "An evening\n\n  with Café.\tBring:\nfriends", got)
	for _, typed := range []string{"a\u202eb", "a\x00b", "a\vb", "\xff"} {
		_, err := text.Block(typed)
		require.Error(t, err, "%q", typed)
	}
}

func TestNamesThatLookTheSameAreEqualWhenFolded(t *testing.T) {
	t.Parallel()
	for _, twins := range [][]string{
		{"Floor", "floor", "FLOOR", " Floor ", "Flo\u200bor", "\u202eFloor\u202c", "Ｆｌｏｏｒ", "Floor\u3164"},
		{"Café", "Cafe\u0301", "CAFÉ"},
		{"Upper circle", "Upper  Circle", "Upper\u00a0circle"},
		{"Straße", "STRASSE"},
		{"❤", "❤\ufe0f"},
	} {
		for _, twin := range twins {
			require.Equal(t, text.Fold(twins[0]), text.Fold(twin), "%q", twin)
		}
	}
	require.NotEqual(t, text.Fold("A-1"), text.Fold("A-11"))
	require.NotEqual(t, text.Fold("Upper"), text.Fold("Up per"))
}

func TestBlankTexts(t *testing.T) {
	t.Parallel()
	for _, blank := range []string{"", " ", "\t\n", "\u3000", "\u200b", "\u3164\u2800 \ufe0f"} {
		require.True(t, text.IsBlank(blank), "%q", blank)
	}
	require.False(t, text.IsBlank(" . "))
}
