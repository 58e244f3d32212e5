package testenv

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ticketing/internal/services"
)

// Topics are what a test's broker has: the names that the platform uses unless told otherwise.
func Topics() []string {
	return []string{"ticketing-events", "ticketing-inventory-events", "ticketing-reservation-events", "ticketing-payment-events"}
}

// Broker starts a broker in another process for a test and answers its addresses. It has Topics with so many partitions each.
func Broker(t testing.TB, partitions int) []string {
	t.Helper()
	return BrokerServer(t, partitions).Addrs()
}

// BrokerProc is a broker in another process that can be killed and started again. Its methods belong to the test's goroutine.
type BrokerProc struct {
	t       testing.TB
	folder  string
	options services.BrokerOptions
	helper  *helper
	addrs   []string
}

// BrokerServer starts a broker for a test; it is stopped when the test is over.
func BrokerServer(t testing.TB, partitions int) *BrokerProc {
	t.Helper()
	folder := tempDir(t)
	b := &BrokerProc{t: t, folder: folder}
	b.options = services.BrokerOptions{DataDir: filepath.Join(folder, "broker"), Topics: Topics(), Partitions: partitions}
	b.Start()
	t.Cleanup(func() {
		if b.helper != nil {
			b.Kill()
		}
	})
	return b
}

// Addrs stays the same over Kill and Start.
func (b *BrokerProc) Addrs() []string { return b.addrs }

// Kill ends the broker as kill -9 does.
func (b *BrokerProc) Kill() {
	b.t.Helper()
	if err := b.helper.kill(); err != nil {
		b.t.Fatal(err)
	}
	b.helper = nil
}

// Stop ends the broker in order.
func (b *BrokerProc) Stop() {
	b.t.Helper()
	if err := b.helper.stop(); err != nil {
		b.t.Fatal(err)
	}
	b.helper = nil
}

// Start starts it again on its port, with all that was produced. Wipe first for one that lost everything.
func (b *BrokerProc) Start() {
	b.t.Helper()
	h, err := startHelper(b.folder, job{Broker: &b.options})
	if err != nil {
		b.t.Fatal(err)
	}
	addrs := strings.Split(h.ready, ",")
	if b.addrs != nil && addrs[0] != b.addrs[0] {
		b.t.Errorf("testenv: the broker came back on %s instead of %s", addrs[0], b.addrs[0])
	}
	b.helper, b.addrs = h, addrs
}

// Wipe throws away the topics and groups of a broker that is down; its port stays. At its start it makes Topics again.
func (b *BrokerProc) Wipe() {
	b.t.Helper()
	if b.helper != nil {
		b.t.Fatal("testenv: kill it first")
	}
	if err := os.RemoveAll(filepath.Join(b.options.DataDir, "data")); err != nil {
		b.t.Fatal(err)
	}
}
