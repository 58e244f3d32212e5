package ticketing

import (
	"strconv"
	"strings"
	"sync"
)

const consistencyHeader = "Consistency-Token"

// newestToken is the newest consistency token that a client has got.
type newestToken struct {
	mu    sync.Mutex
	token string
}

func (n *newestToken) get() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.token
}

// replace stores a token unless it is older: responses of mutations that ran at the same time arrive in any order.
func (n *newestToken) replace(token string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if token != "" && !isOlder(token, n.token) {
		n.token = token
	}
}

// isOlder compares tokens of one incarnation of the log. Others can't be compared, and the last one counts.
func isOlder(a, b string) bool {
	incarnationA, positionA, _ := strings.Cut(a, ".")
	incarnationB, positionB, _ := strings.Cut(b, ".")
	x, errX := strconv.ParseUint(positionA, 10, 64)
	y, errY := strconv.ParseUint(positionB, 10, 64)
	return incarnationA == incarnationB && errX == nil && errY == nil && x < y
}
