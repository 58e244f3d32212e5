package transport

import (
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

// joinShared makes the client a member of the broadcast. Its goroutine is not needed any more: superviseSocket sends what comes,
// and the operation runs no more.
func (s *socket) joinShared(stream *socketStream, op *operation, shared *Shared, params *operationParams) {
	part := &sharedStream{op: op, member: s.h.shared.join(shared, params, op.span.SpanContext(), s.wakeSupervisor)}
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
	s.wakeSupervisor()
}

func (s *socket) wakeSupervisor() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

// sendShared sends at most one response of each shared stream, so that none holds up the others.
func (s *socket) sendShared() {
	s.mu.Lock()
	s.frames = s.frames[:0]
	for _, stream := range s.ops {
		if stream.shared != nil {
			s.frames = append(s.frames, stream)
		}
	}
	s.mu.Unlock()
	for _, stream := range s.frames {
		s.sendSharedFrame(stream)
	}
	clear(s.frames)
}

func (s *socket) sendSharedFrame(stream *socketStream) {
	part := stream.shared
	if time.Now().Before(part.resumeAt) {
		return // a timer wakes the supervisor
	}
	payload, more := part.member.take()
	if payload == nil {
		if ended, errs := part.member.ended(); ended {
			s.endStream(stream, errs)
			stream.cancel()
		}
		return
	}
	if s.sendNext(stream, payload) != nil {
		return
	}
	part.op.sent++
	if wait := s.h.host.ChargeShared(s.viewer, part.member.cost(), len(payload)); wait > 0 {
		part.resumeAt = time.Now().Add(wait)
		time.AfterFunc(wait, s.wakeSupervisor)
	} else if more {
		s.wakeSupervisor()
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
