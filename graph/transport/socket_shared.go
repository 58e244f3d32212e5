package transport

import (
	"bytes"
	"sync"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"ticketing/graph/apierror"
)

// sharedStream is a client's part in an operation that is executed for several.
type sharedStream struct {
	member   *member
	op       *operation
	resumeAt time.Time // when the client has paid for what it got
	over     bool      // it ends
}

// shareOperation returns the execution that the operation may share, nil when it is the client's own.
func (h *Handler) shareOperation(op *operation) (*Shared, gqlerror.List) {
	shared, err := h.host.Share(op.ctx, op.oc)
	if err != nil {
		op.code = string(apierror.From(err).Code)
		op.finish()
		return nil, presentErrors(apierror.From(err))
	}
	return shared, nil
}

// joinShared makes the client a member of the broadcast. Its goroutine is not needed any more: couriers send what comes, and the operation runs no
// more.
func (s *socket) joinShared(stream *socketStream, op *operation, shared *Shared, params *operationParams) {
	part := &sharedStream{op: op, member: s.h.shared.join(shared, params, op.span.SpanContext(), s.wakeCourier)}
	op.oc, op.exec = nil, nil
	end := sync.OnceFunc(func() {
		part.member.leave()
		op.finish()
	})
	s.mu.Lock()
	current := s.ops[stream.id] == stream
	stream.shared, stream.cancel = part, end
	s.mu.Unlock()
	if !current {
		end() // completed meanwhile
	}
	s.wakeCourier()
}

func (s *socket) wakeCourier() { s.h.couriers.serveSoon(s) }

// sendShared sends at most one response of each shared stream, so that none holds up the others. It returns false when the client does not read at
// once: then it goes on in another goroutine, which ends the round.
func (s *socket) sendShared() (done bool) {
	const few = 4
	var room [few]*socketStream
	streams := room[:0]
	s.mu.Lock()
	for _, stream := range s.ops {
		if stream.shared != nil {
			streams = append(streams, stream)
		}
	}
	s.mu.Unlock()
	for _, stream := range streams {
		if !s.sendSharedFrame(stream) {
			return false
		}
	}
	return true
}

func (s *socket) sendSharedFrame(stream *socketStream) (done bool) {
	part := stream.shared
	if part.over || time.Now().Before(part.resumeAt) {
		return true // a timer wakes a courier
	}
	r, more := part.member.take()
	if r == nil {
		if ended, errs := part.member.ended(); ended {
			part.over = true
			go func() { // the client may be slow to read
				defer s.recoverPanic()
				s.endStream(stream, errs)
				stream.cancel()
			}()
		}
		return true
	}
	if !s.isCurrent(stream) {
		return true
	}
	b := stream.encodeNext(r.payload)
	frame := encodeFrame(b)
	rest, err := s.wire.offerFrame(frame)
	if err == nil && len(rest) > 0 {
		go s.finishShared(part, b, frame, rest, len(r.payload))
		return false
	}
	putFrame(b)
	s.noteSent(part, len(r.payload), more, err)
	return true
}

// finishShared sends what a slow client has not read yet of a response, and ends the round.
func (s *socket) finishShared(part *sharedStream, b *bytes.Buffer, frame, rest []byte, length int) {
	defer s.recoverPanic()
	err := s.wire.finishFrame(frame, rest)
	putFrame(b)
	s.noteSent(part, length, true, err)
	s.wakeCourier() // the other streams have had no turn
	s.h.couriers.endRound(s)
}

// noteSent charges the client for a response, and has a courier go on if there is more to send.
func (s *socket) noteSent(part *sharedStream, length int, more bool, err error) {
	if err != nil {
		s.endSocket(err)
		return
	}
	part.op.sent.Add(1)
	if wait := s.h.host.ChargeShared(s.viewer, part.member.cost(), length); wait > 0 {
		part.resumeAt = time.Now().Add(wait)
		time.AfterFunc(wait, s.wakeCourier)
	} else if more {
		s.wakeCourier()
	}
}

// leaveAll ends the client's part in what it shares.
func (s *socket) leaveAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, stream := range s.ops {
		if stream.shared != nil {
			stream.cancel()
		}
	}
}
