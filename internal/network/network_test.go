package network_test

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/network"
	"ticketing/internal/testenv"
)

const silence = 200 * time.Millisecond

// connectTo dials a server that does what serve says with each connection.
func connectTo(t *testing.T, cfg network.Config, serve func(net.Conn)) (*network.Dialer, net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	accepted := make(chan net.Conn, 1)
	t.Cleanup(func() {
		_ = listener.Close()
		_ = (<-accepted).Close() // not earlier, as the garbage collector would
	})
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		accepted <- conn
		serve(conn)
	}()
	dialer := network.New(cfg)
	conn, err := dialer.DialContext(t.Context(), "tcp", listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return dialer, conn
}

func saysNothing(net.Conn) {}

func TestASilentConnectionEnds(t *testing.T) {
	t.Parallel()
	told := make(chan error, 1)
	dialer, conn := connectTo(t, network.Config{Silence: silence, OnSilent: func(err error) { told <- err }}, saysNothing)
	waited := make(chan time.Duration, 1)
	time.AfterFunc(silence/2, func() { waited <- dialer.Waiting() })
	_, err := conn.Read(make([]byte, 1))
	require.ErrorIs(t, err, network.ErrSilent)
	require.Positive(t, <-waited)
	timeout, isNet := errors.AsType[net.Error](err)
	require.False(t, isNet && timeout.Timeout(), "it is not taken for a deadline of the caller")
	require.ErrorIs(t, <-told, network.ErrSilent)
	_, err = conn.Read(make([]byte, 1))
	require.ErrorIs(t, err, net.ErrClosed)
	require.Zero(t, dialer.Waiting())
}

func TestAWriteThatIsNotTakenEnds(t *testing.T) {
	t.Parallel()
	_, conn := connectTo(t, network.Config{Silence: silence}, saysNothing)
	for {
		if _, err := conn.Write(make([]byte, 1<<20)); err != nil {
			require.ErrorIs(t, err, network.ErrSilent)
			return
		}
	}
}

// Each byte shows that the other side is there.
func TestASlowConnectionGoesOn(t *testing.T) {
	t.Parallel()
	_, conn := connectTo(t, network.Config{Silence: silence}, func(c net.Conn) {
		for range 6 {
			time.Sleep(silence / 2)
			_, _ = c.Write([]byte{1})
		}
	})
	for range 6 {
		_, err := conn.Read(make([]byte, 1))
		require.NoError(t, err)
	}
}

// pgx interrupts a read by a deadline in the past, and clears that before the next one.
func TestTheCallersDeadlinesAreKept(t *testing.T) {
	t.Parallel()
	var told atomic.Bool
	_, conn := connectTo(t, network.Config{Silence: 2 * time.Second, OnSilent: func(error) { told.Store(true) }}, saysNothing)
	time.AfterFunc(50*time.Millisecond, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	began := time.Now()
	_, err := conn.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.Less(t, time.Since(began), 2*time.Second)
	_, err = conn.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded, "it stays until it is cleared")
	require.False(t, told.Load())

	require.NoError(t, conn.SetDeadline(time.Time{}))
	_, err = conn.Read(make([]byte, 1))
	require.ErrorIs(t, err, network.ErrSilent)
}

func TestCloseAllEndsWhatWaits(t *testing.T) {
	t.Parallel()
	dialer, conn := connectTo(t, network.Config{}, saysNothing)
	read := make(chan error, 1)
	go func() {
		_, err := conn.Read(make([]byte, 1))
		read <- err
	}()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return dialer.Waiting() > 0, "nothing waits" })
	dialer.CloseAll()
	require.ErrorIs(t, <-read, net.ErrClosed)
}

func TestAConnectionThatCannotBeOpenedIsReported(t *testing.T) {
	t.Parallel()
	var told error
	dialer := network.New(network.Config{OnFailure: func(err error) { told = err }})
	_, err := dialer.DialContext(t.Context(), "tcp", "127.0.0.1:1")
	require.Error(t, err)
	require.Equal(t, err, told)
}
