// Package testenv starts real servers for tests: fresh databases, a Redis, a broker. Each is gone when its test is over, and nothing is left
// behind even if the test process is killed. With go test -short, a test that asks for a server is skipped.
package testenv

import (
	"testing"
	"time"
)

// Patience is how long a test waits for what takes a moment on an idle machine. Only a fault, not a busy machine, uses it up.
const Patience = 90 * time.Second

// Eventually waits until the condition holds. After timeout it fails the test with the last state that the condition described. The
// condition runs on the test's goroutine, so it may use t.
func Eventually(t testing.TB, timeout time.Duration, condition func() (holds bool, state string)) {
	t.Helper()
	const longest = 100 * time.Millisecond
	deadline := time.Now().Add(timeout)
	for wait := time.Millisecond; ; wait = min(2*wait, longest) {
		holds, state := condition()
		if holds {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not so after %s; last: %s", timeout, state)
		}
		time.Sleep(wait)
	}
}

// needServer skips the test if it is to run without servers.
func needServer(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a server: not with -short")
	}
}
