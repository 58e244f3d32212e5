package network

import (
	"crypto/tls"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// WatchCertificate returns a function for tls.Config.VerifyConnection that keeps a metric of the moment from which on the last certificate
// that a server has shown, or one of those that vouch for it, is not valid any more. There is no metric before the first handshake.
func WatchCertificate(registerer prometheus.Registerer, server string) func(tls.ConnectionState) error {
	expiry := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: "ticketing", Name: "certificate_expiry_timestamp_seconds", ConstLabels: prometheus.Labels{"server": server},
		Help: "When the certificate expires that this server has shown last, in seconds since 1970.",
	})
	var first sync.Once
	return func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return nil
		}
		earliest := state.PeerCertificates[0].NotAfter
		for _, certificate := range state.PeerCertificates[1:] {
			if certificate.NotAfter.Before(earliest) {
				earliest = certificate.NotAfter
			}
		}
		first.Do(func() {
			if registerer == nil {
				return
			}
			if known, ok := errors.AsType[prometheus.AlreadyRegisteredError](registerer.Register(expiry)); ok { // by another client of the server
				expiry = known.ExistingCollector.(prometheus.Gauge) //nolint:forcetypeassert // its name and labels are the same
			}
		})
		expiry.Set(float64(earliest.UnixNano()) / float64(time.Second))
		return nil
	}
}
