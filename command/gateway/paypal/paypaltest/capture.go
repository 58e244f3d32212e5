package paypaltest

import "net/http"

// captureObject returns the capture of an order as PayPal writes it.
func (s *Server) captureObject(o *order) object {
	status := "COMPLETED"
	if o.held {
		status = "PENDING"
	}
	return object{
		"id": o.capture, "status": status, "amount": o.amount, "custom_id": o.customID, "links": []map[string]string{
			{"rel": "self", "href": s.URL + "/v2/payments/captures/" + o.capture}, {"rel": "up", "href": s.URL + "/v2/checkout/orders/" + o.id},
		},
	}
}

func (s *Server) orderOfCapture(captureID string) *order {
	for _, o := range s.orders {
		if o.capture == captureID {
			return o
		}
	}
	return nil
}

func (s *Server) showCapture(id string) response {
	if o := s.orderOfCapture(id); o != nil {
		return succeed(s.captureObject(o))
	}
	return refuse(http.StatusNotFound, "RESOURCE_NOT_FOUND")
}

func (s *Server) emitCapture(o *order) {
	kind := "PAYMENT.CAPTURE.COMPLETED"
	if o.held {
		kind = "PAYMENT.CAPTURE.PENDING"
	}
	s.emitEvent(kind, o.id, s.captureObject(o))
}
