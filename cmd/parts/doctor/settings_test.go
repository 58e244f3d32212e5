package doctor

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/config"
)

func TestProductionIsWarnedOfWhatIsSeldomMeant(t *testing.T) {
	t.Parallel()
	names := func(cfg config.Config) (all []string) {
		for _, c := range settingChecks(cfg) {
			all = append(all, c.about)
		}
		return all
	}
	cfg := config.Config{Environment: config.Production}
	cfg.RedisURL = "rediss://sessions:6379/0"
	require.ElementsMatch(t, []string{"TRUSTED_PROXIES", "REDIS_CACHE_URL", "PAYMENT_GATEWAYS", "ADMIN_EMAILS"}, names(cfg))
	cfg.TrustedProxies, cfg.PaymentGateways, cfg.AdminEmails = []string{"10.0.0.1"}, []string{"stripe"}, []string{"admin@example.com"}
	cfg.RedisCacheURL = "rediss://cache:6379/0"
	require.Empty(t, names(cfg))
	cfg.RedisURL = ""
	require.Equal(t, []string{"DATABASE_URL"}, names(cfg), "nothing can be looked at")
}
