package auth_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkAuthenticate measures what authentication adds to every request.
func BenchmarkAuthenticate(b *testing.B) {
	w := newWorld(b)
	session := w.signIn("ann@example.com")
	w.principal(session)
	for b.Loop() {
		_, err := w.Authenticate(b.Context(), session.Token)
		require.NoError(b, err)
	}
}
