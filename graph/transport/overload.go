package transport

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"

	"ticketing/graph/apierror"
	"ticketing/internal/overload"
)

// runningPerProcessor is how many operations may run at a time for each processor: more would only wait for each other. What waits for a payment
// gateway, a projection or its own client's turn does not count. The gate lets fewer in when so many take too long.
const runningPerProcessor = 256

// When clients are to try again that were refused because of overload: not all of them at once.
const (
	retryFirst  = time.Second
	retrySpread = 3 * time.Second
)

// enterRunning takes a place among the operations that run, which overload.Leave gives back. It returns UNAVAILABLE when there is none.
func (h *Handler) enterRunning(ctx context.Context) (context.Context, *apierror.Error) {
	entered, ok := h.running.Enter(ctx)
	if ok {
		return entered, nil
	}
	return ctx, h.refuseExcess()
}

func (h *Handler) refuseExcess() *apierror.Error {
	h.metrics.countRefused(string(apierror.Unavailable))
	pause := retryFirst + rand.N(retrySpread) //nolint:gosec // spreads clients, is not secret
	return apierror.New(apierror.Unavailable, "too much is going on; try again").After(pause)
}

// serveAdmitted is serveOperation, unless the process has too much to do already. The status tells proxies, too. What is refused is not read: the
// server does that, so that the connection can be used again. A request that is still arriving takes no place.
func (h *Handler) serveAdmitted(w http.ResponseWriter, r *http.Request) {
	if h.running.Full() {
		writeRefusal(w, h.refuseExcess())
		return
	}
	writer := h.boundWrites(w)
	media, params := h.readOperation(writer, r)
	if params == nil {
		return
	}
	ctx, refused := h.enterRunning(r.Context())
	if refused != nil {
		writeRefusal(w, refused)
		return
	}
	defer overload.Leave(ctx)
	h.serveOperation(writer, r.WithContext(ctx), media, params)
}

func writeRefusal(w http.ResponseWriter, refused *apierror.Error) {
	writeRequestErrors(w, mediaJSON, http.StatusServiceUnavailable, presentErrors(refused))
}
