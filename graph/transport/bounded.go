package transport

import (
	"errors"
	"net/http"
	"time"
)

// boundedWriter sends each write at once, and within a timeout. The server's own write timeout would end streams; without any, a client
// that stops reading would keep its goroutine for ever.
type boundedWriter struct {
	http.ResponseWriter

	control *http.ResponseController
	timeout time.Duration
}

func (h *Handler) boundWrites(w http.ResponseWriter) *boundedWriter {
	return &boundedWriter{ResponseWriter: w, control: http.NewResponseController(w), timeout: h.cfg.WriteTimeout}
}

// Write implements io.Writer. The deadline is that of this write only.
func (b *boundedWriter) Write(p []byte) (int, error) {
	if err := ignoreUnsupported(b.control.SetWriteDeadline(time.Now().Add(b.timeout))); err != nil {
		return 0, err
	}
	n, err := b.ResponseWriter.Write(p)
	if err == nil {
		err = ignoreUnsupported(b.control.Flush())
	}
	return n, errors.Join(err, ignoreUnsupported(b.control.SetWriteDeadline(time.Time{})))
}

// clearReadDeadline removes the deadline of reading the request: it would end streams and long operations.
func (b *boundedWriter) clearReadDeadline() { _ = b.control.SetReadDeadline(time.Time{}) }

// ignoreUnsupported drops the error of a writer that has no deadlines, as in tests.
func ignoreUnsupported(err error) error {
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}
