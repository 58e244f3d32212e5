package testenv

import (
	"flag"
	"fmt"
	"slices"
	"testing"
)

// Example returns what an Example function gives to the functions of this package in place of its test, which it does not have, and a
// function that ends it. A failure panics. The package's TestMain calls SkipExamples.
func Example() (t testing.TB, end func()) {
	e := &example{}
	return e, e.end
}

// SkipExamples skips a package's examples with -short, since an example can't skip itself. TestMain calls it after flag.Parse.
func SkipExamples() {
	if testing.Short() {
		_ = flag.Set("test.skip", "^Example") // a flag of every test binary
	}
}

type example struct {
	testing.TB // nil: panics in methods that are not below

	cleanups []func()
}

func (*example) Helper()                           {}
func (*example) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }
func (*example) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (*example) FailNow()                          { panic("the example failed") }
func (e *example) Cleanup(f func())                { e.cleanups = append(e.cleanups, f) }

func (e *example) end() {
	for _, cleanUp := range slices.Backward(e.cleanups) {
		cleanUp()
	}
}
