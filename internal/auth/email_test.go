package auth

import (
	"net/mail"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNormalizeEmail(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"ann@example.com":                "ann@example.com",
		"  Ann.Lee+Tag@EXAMPLE.com\t":    "ann.lee+tag@example.com",
		"o'neil@example.com":             "o'neil@example.com",
		"ann@BÜCHER.example":             "ann@xn--bcher-kva.example",
		"ann@bücher.example":             "ann@xn--bcher-kva.example",
		"ann@xn--bcher-kva.example":      "ann@xn--bcher-kva.example",
		"admin@localhost":                "admin@localhost",
		strings.Repeat("a", 64) + "@x.y": strings.Repeat("a", 64) + "@x.y",
	} {
		got, err := NormalizeEmail(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
}

func TestInvalidAddressesAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "ann", "@example.com", "ann@", "ann@@example.com", "ann@example.com,bob@example.com", "Ann <ann@example.com>",
		"<ann@example.com>", "ann@example.com (Ann)", `"a b"@example.com`, `"ann@home"@example.com`, "ann@[127.0.0.1]", "ann@exa mple.com",
		"ann@example.com\r\nBcc: bob@example.com", "ann\x00@example.com", "änn@example.com", "ann@example..com", "ann@-example.com",
		"K@\u212Aelvin.example\x00", ".ann@example.com", strings.Repeat("a", 65) + "@example.com",
		"ann@" + strings.Repeat("a.", 130) + "com", "ann@" + strings.Repeat("a", 64) + ".example", "ann@example.com.", "ann@.example.com", "ann@exa_mple.com",
		"ADM\u0130N@example.com", "\u212Aelvin@example.com", "ann@\u212Aelvin.example", "ann@\u017Fhop.example", "ann@example\u3002com",
		"ann@ex\uFF41mple.com", "ann@EX\u0130T.example", "ann@b\u00FCc\u212Aer.example", "ann@\u2460.example",
	} {
		got, err := NormalizeEmail(text)
		require.ErrorIs(t, err, ErrEmailInvalid, "%q becomes %q, %v", text, got, err)
	}
}

func FuzzNormalizeEmail(f *testing.F) {
	for _, seed := range []string{"ann@example.com", "Ann@BÜCHER.example", `"a b"@example.com`, "a@[::1]", "a@\u212Aelvin.com"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		once, err := NormalizeEmail(text)
		if err != nil {
			return
		}
		again, err := NormalizeEmail(once)
		require.NoError(t, err, text)
		require.Equal(t, once, again, text)
		require.LessOrEqual(t, len(once), longestEmail, text)
		require.Equal(t, strings.ToLower(once), once, text)
		require.True(t, isASCII(once), text)
		require.False(t, strings.ContainsAny(once, " \r\n\t<>,\""), text)
		parsed, err := mail.ParseAddress(once)
		require.NoError(t, err, text)
		require.Equal(t, once, parsed.Address, text)
	})
}
