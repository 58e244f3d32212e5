package doctor

import (
	"context"
	"io"
	"net/http"
	"strings"

	"ticketing/internal/config"
)

// checkStripe asks for the balance, which changes nothing.
func checkStripe(ctx context.Context, cfg config.Config, f *findings) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(cfg.StripeAPIBase, "/")+"/v1/balance", http.NoBody)
	if err != nil {
		f.add(markWrong, "%v", err)
		return
	}
	request.Header.Set("Authorization", "Bearer "+cfg.StripeAPIKey)
	reportGateway(request, "a key of Stripe's dashboard", f)
}

// checkPayPal asks for an access token, as each call does.
func checkPayPal(ctx context.Context, cfg config.Config, f *findings) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(cfg.PayPalAPIBase, "/")+"/v1/oauth2/token",
		strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		f.add(markWrong, "%v", err)
		return
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(cfg.PayPalClientID, cfg.PayPalClientSecret)
	reportGateway(request, "the id and the secret of one application of PayPal's dashboard", f)
}

func reportGateway(request *http.Request, wanted string, f *findings) {
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		f.add(markWrong, "can't be reached: %v", err)
		return
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20))
	switch response.StatusCode {
	case http.StatusOK:
		f.add(markOK, "the gateway takes it")
	case http.StatusUnauthorized:
		f.add(markWrong, "the gateway refuses it: use %s", wanted)
	case http.StatusForbidden:
		f.add(markOK, "the gateway knows it; its rights were not checked")
	default:
		f.add(markWarn, "the gateway responds with %s", response.Status)
	}
}
