package services

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
)

// Ports are taken from below the range that the kernel gives to outgoing connections (32768 and up on Linux): a server that is down
// for a moment finds its own port free again, which clients remember.
const (
	firstPort = 15000
	lastPort  = 31999
)

// errPortTaken says that somebody else took the port between choosing and binding it.
var errPortTaken = errors.New("services: port is taken")

// bindTries is how often a server is started on another port when somebody else was faster.
const bindTries = 5

// rememberedPort answers the port in the file, if it is there and free, or another free one.
func rememberedPort(file string) (int, error) {
	if text, err := os.ReadFile(file); err == nil {
		if port, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && free(port) {
			return port, nil
		}
	}
	return FreePort()
}

// FreePort answers a port of 127.0.0.1 that nobody listened on a moment ago.
func FreePort() (int, error) {
	for range 1000 {
		if port := firstPort + rand.IntN(lastPort-firstPort+1); free(port) { //nolint:gosec // no secret
			return port, nil
		}
	}
	return 0, errors.New("services: no free port")
}

func free(port int) bool {
	listener, err := net.Listen("tcp", loopbackAddr(port)) //nolint:noctx // returns at once
	return err == nil && listener.Close() == nil
}

func loopbackAddr(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// onPort starts a server on the port that it had before, or on others, and remembers the one that worked.
func onPort(file string, start func(port int) error) error {
	var last error
	for range bindTries {
		port, err := rememberedPort(file)
		if err != nil {
			return err
		}
		if last = start(port); last == nil {
			return writeFile(file, fmt.Appendf(nil, "%d\n", port))
		}
		if !errors.Is(last, errPortTaken) {
			return last
		}
	}
	return last
}
