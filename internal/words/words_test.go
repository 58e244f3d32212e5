package words_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/words"
)

func TestOf(t *testing.T) {
	require.Equal(t, []string{"2026", "ac", "dc", "koln", "live"}, words.Of("AC/DC live", "Köln 2026, LIVE"))
	require.Empty(t, words.Of("", " -!"))
	require.Len(t, words.Of(strings.Repeat("ä", 500))[0], 64)
	require.Equal(t, words.Of("Beyoncé"), words.Of("Beyonce\u0301"))
}

func TestQuery(t *testing.T) {
	require.Equal(t, "'jazz':* & 'nig':*", words.Query("Nig jazz"))
	require.Equal(t, "'a':* & 'b':*", words.Query(`a' | ! \ b:`))
	require.Empty(t, words.Query(" ' "))
	require.Equal(t, 15, strings.Count(words.Query("a b c d e f g h i j k l m n o p q r s t"), "&"))
}
