package rejection_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/rejection"
)

func TestALengthIsMeasuredInCharacters(t *testing.T) {
	require.NoError(t, rejection.CheckLength("", 3, "reason"))
	require.NoError(t, rejection.CheckLength("日本語", 3, "reason"))
	require.Equal(t, rejection.New(rejection.Invalid, "reason must have at most 3 characters").At("input", "reason"),
		rejection.CheckLength("日本語で", 3, "input", "reason"))
	require.Error(t, rejection.CheckLength("abcd", 3, "reason"))
}

func TestANameMustNotBeBlank(t *testing.T) {
	require.NoError(t, rejection.CheckName(strings.Repeat("席", 40), 40, "section"))
	for _, blank := range []string{"", " ", "\t\n", "\u3000"} {
		require.Equal(t, rejection.New(rejection.Invalid, "section must not be empty").At("section"), rejection.CheckName(blank, 40, "section"))
	}
	require.Error(t, rejection.CheckName(strings.Repeat("席", 41), 40, "section"))
}
