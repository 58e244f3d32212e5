package text_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/text"
)

func TestClipCutsNoCharacter(t *testing.T) {
	t.Parallel()
	for n, want := range []string{"", "a", "a", "aé", "aé", "aé", "aé", "aé😀", "aé😀"} {
		require.Equal(t, want, text.Clip("aé😀", n), n)
	}
	require.Empty(t, text.Clip("\x80\x80\x80", 2), "bytes that begin no character")
}

func TestShortenMarksWhatItCut(t *testing.T) {
	t.Parallel()
	require.Equal(t, "abc", text.Shorten("abc", 3))
	require.Equal(t, "ab…", text.Shorten("abc", 2))
}
