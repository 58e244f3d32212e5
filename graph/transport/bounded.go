package transport

import (
	"errors"
	"net/http"
	"time"
)

// boundedWriter sends what is written at once, and within a time. The server's own write timeout can't be used, since streams have no end;
// without one a client that stops reading would keep its goroutine for ever.
type boundedWriter struct {
	http.ResponseWriter

	control *http.ResponseController
	timeout time.Duration
}

func (h *Handler) bounded(w http.ResponseWriter) *boundedWriter {
	return &boundedWriter{ResponseWriter: w, control: http.NewResponseController(w), timeout: h.cfg.WriteTimeout}
}

// Write implements io.Writer. The deadline belongs to this write only: what is served next on the connection has its own.
func (b *boundedWriter) Write(p []byte) (int, error) {
	if err := supported(b.control.SetWriteDeadline(time.Now().Add(b.timeout))); err != nil {
		return 0, err
	}
	n, err := b.ResponseWriter.Write(p)
	if err == nil {
		err = supported(b.control.Flush())
	}
	return n, errors.Join(err, supported(b.control.SetWriteDeadline(time.Time{})))
}

// readingIsOver takes back the deadline of reading the request: it would end streams, and operations that take their time.
func (b *boundedWriter) readingIsOver() { _ = b.control.SetReadDeadline(time.Time{}) }

// supported passes over what a test's writer does not have.
func supported(err error) error {
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}
