package transport

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
)

func TestFramesSayHowLongTheyAre(t *testing.T) {
	t.Parallel()
	for length, header := range map[int][]byte{
		0: {0x81, 0}, 125: {0x81, 125}, 126: {0x81, 126, 0, 126}, 1<<16 - 1: {0x81, 126, 0xff, 0xff}, 1 << 16: {0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0},
	} {
		b := newFrame()
		b.WriteString(strings.Repeat("x", length))
		require.Equal(t, string(header)+strings.Repeat("x", length), string(encodeFrame(b)), length)
		putFrame(b)
	}
}

func TestNothingFollowsACloseFrame(t *testing.T) {
	t.Parallel()
	server, client := net.Pipe()
	defer client.Close()
	go func() { _, _ = client.Read(make([]byte, 10)) }()
	w := &wire{Conn: server, timeout: testenv.Patience}
	_, err := w.Write([]byte{finalClose, 0})
	require.NoError(t, err)
	_, err = w.Write([]byte{finalText, 0})
	require.ErrorIs(t, err, net.ErrClosed)
	_, err = w.offerFrame([]byte{finalText, 0})
	require.ErrorIs(t, err, net.ErrClosed)
}

func TestAClosedConnectionTakesNothing(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	for range 2 * runtime.GOMAXPROCS(0) { // so that attempts are used again
		conn, err := net.Dial("tcp", listener.Addr().String())
		require.NoError(t, err)
		raw, err := conn.(*net.TCPConn).SyscallConn()
		require.NoError(t, err)
		w := &wire{Conn: conn, raw: raw, timeout: testenv.Patience}
		rest, err := w.offerFrame([]byte("a frame that is long"))
		require.NoError(t, err)
		require.Empty(t, rest)
		require.NoError(t, conn.Close())
		rest, err = w.offerFrame([]byte("short"))
		require.ErrorIs(t, err, net.ErrClosed)
		require.Equal(t, "short", string(rest))
	}
}

// state returns one that is longer than what the system keeps for a client that does not read.
func (crowd) state(n int) string {
	const long = 8 << 20
	return strings.Repeat(strconv.Itoa(n%10), long)
}

func readState(ctx context.Context, t *testing.T, conn *websocket.Conn) string {
	t.Helper()
	_, data, err := conn.Read(ctx)
	require.NoError(t, err)
	var got struct {
		Payload struct{ Data struct{ State string } }
	}
	require.NoError(t, json.Unmarshal(data, &got), "it is a whole message")
	return got.Payload.Data.State
}

func TestASlowReaderHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	host := newCrowd()
	h, url := serve(t, func(c *Config) { c.Host, c.WriteTimeout = host, testenv.Patience })
	ctx, cancel := context.WithTimeout(t.Context(), testenv.Patience)
	defer cancel()
	var conns [2]*websocket.Conn
	for i := range conns {
		conn, err := subscribeToCrowd(ctx, url)
		require.NoError(t, err)
		defer conn.CloseNow()
		conn.SetReadLimit(-1)
		conns[i] = conn
	}
	fast, slow := conns[0], conns[1]
	awaitMembers(t, h, 2)
	for n := range 3 {
		host.states <- host.state(n)
		require.Equal(t, host.state(n), readState(ctx, t, fast))
	}
	for got := readState(ctx, t, slow); got != host.state(2); got = readState(ctx, t, slow) {
		require.Contains(t, []string{host.state(0), host.state(1)}, got, "what was under way is whole")
	}
}

func TestWhoNeverReadsIsDisconnected(t *testing.T) {
	t.Parallel()
	host := newCrowd()
	h, url := serve(t, func(c *Config) { c.Host, c.WriteTimeout = host, 200*time.Millisecond })
	conn, err := subscribeToCrowd(t.Context(), url)
	require.NoError(t, err)
	defer conn.CloseNow()
	awaitMembers(t, h, 1)
	host.states <- host.state(0)
	waitForNoStreams(t, h)
	require.Zero(t, h.shared.count())
}

// It runs alone: it looks at the goroutines of the process.
func TestASocketThatWaitsTakesOneGoroutine(t *testing.T) { //nolint:paralleltest // see above
	host := newCrowd()
	h, url := serve(t, func(c *Config) { c.Host = host })
	const clients = 20
	for range clients {
		conn, err := subscribeToCrowd(t.Context(), url)
		require.NoError(t, err)
		defer conn.CloseNow()
	}
	awaitMembers(t, h, clients)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		var text strings.Builder
		_ = pprof.Lookup("goroutine").WriteTo(&text, 2)
		serving := 0
		for one := range strings.SplitSeq(text.String(), "\n\n") {
			if strings.Contains(one, "transport.(*") && !strings.Contains(one, "transport.(*broadcast).run") {
				serving++
			}
		}
		return serving == clients, fmt.Sprintf("%d goroutines", serving)
	})
}

// A client that still sends when the server closes gets the close frame all the same: all is read until its own close frame, and nothing is reset.
func TestPingsAfterTheCloseFrameEndNothing(t *testing.T) {
	t.Parallel()
	_, url := serve(t, func(*Config) {})
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", url[len("http://"):])
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(testenv.Patience)))
	const finalPong = 0x8A
	frame := func(first byte, payload string) string { // masked with zeros
		return string([]byte{first, 0x80 | byte(len(payload)), 0, 0, 0, 0}) + payload
	}
	_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: "+subprotocol+"\r\n\r\n"+frame(finalPing, "a"))
	require.NoError(t, err)
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, response.StatusCode)
	read := func() byte {
		var header [2]byte
		_, err := io.ReadFull(reader, header[:])
		require.NoError(t, err)
		_, err = io.CopyN(io.Discard, reader, int64(header[1]))
		require.NoError(t, err)
		return header[0]
	}
	require.EqualValues(t, finalPong, read())
	_, err = io.WriteString(conn, frame(finalText, "nonsense"))
	require.NoError(t, err)
	require.EqualValues(t, finalClose, read())
	long := strings.Repeat("b", 125)
	_, err = io.WriteString(conn, strings.Repeat(frame(finalPing, long), 100)+frame(finalClose, "\x03\xe8"))
	require.NoError(t, err)
	_, err = reader.ReadByte()
	require.ErrorIs(t, err, io.EOF)
}
