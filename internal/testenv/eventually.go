// Package testenv gives tests real servers: fresh databases, a Redis and a broker of their own, all gone when the test is over. It
// promises that nothing is left behind, also when the test process is killed.
package testenv

import (
	"testing"
	"time"
)

// Patience is how long a test waits for what takes a moment on a machine that has time for it: long enough that only a fault uses it up.
const Patience = 90 * time.Second

// Eventually waits until the condition holds and fails the test after timeout with the last state that it described. The condition is
// called on the test's goroutine, so it may use t.
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
		time.Sleep(wait) // between two looks
	}
}
