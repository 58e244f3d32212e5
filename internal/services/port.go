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

// Ports are below the range that the kernel uses for outgoing connections (32768 and up on Linux), so that a restarted server finds its
// port, which clients remember, free.
const (
	firstPort = 15000
	lastPort  = 31999
)

// errPortTaken says that another process took the port between choosing and binding it.
var errPortTaken = errors.New("the port is taken")

// bindTries is how often a server is started on another port if its port is taken.
const bindTries = 5

// rememberedPort returns the port in the file if it is free, else another free one.
func rememberedPort(file string) (int, error) {
	if text, err := os.ReadFile(file); err == nil {
		if port, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && isFree(port) {
			return port, nil
		}
	}
	return FreePort()
}

// FreePort returns a port of 127.0.0.1 that was free a moment ago.
func FreePort() (int, error) {
	for range 1000 {
		if port := firstPort + rand.IntN(lastPort-firstPort+1); isFree(port) { //nolint:gosec // no secret
			return port, nil
		}
	}
	return 0, errors.New("no port is free")
}

func isFree(port int) bool {
	listener, err := net.Listen("tcp", loopbackAddr(port)) //nolint:noctx // returns at once
	return err == nil && listener.Close() == nil
}

func loopbackAddr(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// onPort starts a server on its last port, else on another one, and stores the port that worked.
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
