package testenv_test

import (
	"fmt"
	"runtime"
	"testing"
)

// failing is a test that notes why it failed.
type failing struct {
	testing.TB

	message string
}

func (f *failing) Helper() {}

func (f *failing) Fatalf(format string, args ...any) {
	f.message = fmt.Sprintf(format, args...)
	runtime.Goexit()
}
