package transport

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// The sizes of a WebSocket's own buffers, in bytes. Long messages are read and written without them.
const (
	readBuffer    = 512
	controlBuffer = 256 // holds any control frame, so that each is one write
)

// The first bytes of frames: https://www.rfc-editor.org/rfc/rfc6455#section-5.2.
const (
	finalText  = 0x81
	finalClose = 0x88
	finalPing  = 0x89

	longestHeader = 10
)

// wire is the connection below a WebSocket. The library reads from it, and writes control frames to it. Messages are written here, each with one
// call of the system and from a buffer that no connection keeps.
type wire struct {
	net.Conn

	raw     syscall.RawConn // nil: there is none
	timeout time.Duration   // of one write
	early   []byte          // what the client sent right after its handshake
	reads   atomic.Uint32

	writing sync.Mutex // is held until a frame is written as a whole
	closing bool       // a close frame was written, which nothing follows
}

// upgrade is a response that becomes a WebSocket. The buffers of the HTTP server, which are larger, are left behind.
type upgrade struct {
	http.ResponseWriter

	timeout time.Duration
	wire    *wire
}

// Hijack implements http.Hijacker.
func (u *upgrade) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(u.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	early, err := buffered.Peek(buffered.Reader.Buffered())
	if err != nil {
		return nil, nil, err
	}
	u.wire = &wire{Conn: conn, timeout: u.timeout, early: bytes.Clone(early)}
	if c, ok := conn.(syscall.Conn); ok {
		u.wire.raw, _ = c.SyscallConn()
	}
	return u.wire, bufio.NewReadWriter(bufio.NewReaderSize(u.wire, readBuffer), bufio.NewWriterSize(u.wire, controlBuffer)), nil
}

// Read implements net.Conn.
func (w *wire) Read(p []byte) (n int, err error) {
	if len(w.early) > 0 {
		n = copy(p, w.early)
		w.early = w.early[n:]
		return n, nil
	}
	n, err = w.Conn.Read(p)
	w.reads.Add(1)
	return n, err
}

// Write implements net.Conn. It writes one frame, within the timeout.
func (w *wire) Write(frame []byte) (int, error) {
	w.writing.Lock()
	defer w.writing.Unlock()
	n, err := w.tryWrite(frame)
	if err != nil || n == len(frame) {
		return n, err
	}
	return len(frame), w.finishWrite(frame[n:])
}

// offerFrame writes as much of a frame as the client reads at once, and returns the rest, which finishFrame writes. It does not wait.
func (w *wire) offerFrame(frame []byte) (rest []byte, err error) {
	if !w.writing.TryLock() {
		return frame, nil
	}
	n, err := w.tryWrite(frame)
	if err != nil || n == 0 || n == len(frame) {
		w.writing.Unlock()
	}
	return frame[n:], err
}

// finishFrame writes the rest of a frame, of which offerFrame may have written a part: then nothing else is written before it.
func (w *wire) finishFrame(frame, rest []byte) error {
	if len(rest) == len(frame) {
		_, err := w.Write(frame)
		return err
	}
	defer w.writing.Unlock()
	return w.finishWrite(rest)
}

// attempt is one call of the system that writes. Its function is made once: there are thousands of attempts for each change that many watch.
type attempt struct {
	frame []byte
	n     int
	err   error
	write func(fd uintptr) bool
}

var attempts = sync.Pool{New: func() any {
	a := new(attempt)
	a.write = func(fd uintptr) bool {
		a.n, a.err = syscall.Write(int(fd), a.frame)
		for errors.Is(a.err, syscall.EINTR) {
			a.n, a.err = syscall.Write(int(fd), a.frame)
		}
		return true
	}
	return a
}}

// tryWrite writes as much as takes no time. The caller holds the lock.
func (w *wire) tryWrite(frame []byte) (n int, err error) {
	if w.closing {
		return 0, net.ErrClosed
	}
	w.closing = frame[0] == finalClose
	if w.raw == nil {
		return 0, nil
	}
	a := attempts.Get().(*attempt) //nolint:forcetypeassert // see attempts
	defer attempts.Put(a)
	a.frame, a.n, a.err = frame, 0, nil // nothing is written, and write is not called, when the connection was closed
	err = w.raw.Write(a.write)
	n, a.frame = max(a.n, 0), nil
	if err == nil && !errors.Is(a.err, syscall.EAGAIN) {
		err = a.err
	}
	return n, err
}

// finishWrite writes the rest of a frame. The caller holds the lock.
func (w *wire) finishWrite(rest []byte) error {
	if err := w.SetWriteDeadline(time.Now().Add(w.timeout)); err != nil {
		return err
	}
	if _, err := w.Conn.Write(rest); err != nil {
		return err
	}
	return w.SetWriteDeadline(time.Time{})
}

// frames are buffers for messages, for which no connection keeps one.
var frames = sync.Pool{New: func() any { return new(bytes.Buffer) }}

const keptFrame = 64 << 10 // bytes: longer buffers are rare

// newFrame returns a buffer to write a message to, with room for the frame's header before it.
func newFrame() *bytes.Buffer {
	b := frames.Get().(*bytes.Buffer) //nolint:forcetypeassert // see frames
	_, _ = b.Write(make([]byte, longestHeader))
	return b
}

func putFrame(b *bytes.Buffer) {
	if b.Cap() <= keptFrame {
		b.Reset()
		frames.Put(b)
	}
}

// encodeFrame returns the frame of the text message in a buffer of newFrame.
func encodeFrame(b *bytes.Buffer) []byte {
	const mostShort, long, longer = 125, 126, 127
	frame := b.Bytes()
	switch length := len(frame) - longestHeader; {
	case length <= mostShort:
		frame = frame[longestHeader-2:]
		frame[1] = byte(length) //nolint:gosec,nolintlint // checked above
	case length <= 1<<16-1:
		frame = frame[longestHeader-4:]
		frame[1] = long
		binary.BigEndian.PutUint16(frame[2:], uint16(length)) //nolint:gosec,nolintlint // checked above
	default:
		frame[1] = longer
		binary.BigEndian.PutUint64(frame[2:], uint64(length)) //nolint:gosec,nolintlint // a length
	}
	frame[0] = finalText
	return frame
}
