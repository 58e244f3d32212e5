package auth_test

import "testing"

// What signing in adds to every request.
func BenchmarkAuthenticate(b *testing.B) {
	w := newWorld(b)
	session := w.signIn("ann@example.com")
	w.principal(session)
	for b.Loop() {
		if _, err := w.Authenticate(b.Context(), session.Token); err != nil {
			b.Fatal(err)
		}
	}
}
