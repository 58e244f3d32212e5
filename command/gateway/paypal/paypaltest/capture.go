package paypaltest

import "net/http"

// captured answers the capture of an order as PayPal represents it.
func (s *Server) captured(o *order) map[string]any {
	status := "COMPLETED"
	if o.held {
		status = "PENDING"
	}
	return map[string]any{
		"id": o.capture, "status": status, "amount": o.amount, "custom_id": o.customID, "links": []map[string]string{
			{"rel": "self", "href": s.URL + "/v2/payments/captures/" + o.capture}, {"rel": "up", "href": s.URL + "/v2/checkout/orders/" + o.id},
		},
	}
}

// charged answers the order that has a capture.
func (s *Server) charged(captureID string) *order {
	for _, o := range s.orders {
		if o.capture == captureID {
			return o
		}
	}
	return nil
}

func (s *Server) showCapture(id string) response {
	if o := s.charged(id); o != nil {
		return response{http.StatusOK, s.captured(o)}
	}
	return refused(http.StatusNotFound, "RESOURCE_NOT_FOUND")
}

func (s *Server) emitCapture(o *order) {
	kind := "PAYMENT.CAPTURE.COMPLETED"
	if o.held {
		kind = "PAYMENT.CAPTURE.PENDING"
	}
	s.emit(kind, o.id, s.captured(o))
}
