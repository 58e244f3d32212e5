package doctor

import (
	"bufio"
	"context"
	"crypto/rand"
	"log/slog"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/internal/config"
	"ticketing/internal/kafka"
	"ticketing/internal/mail"
	"ticketing/internal/redis"
)

const oldestRedis = 7

// redisCheck looks at Redis: version, rights, and whether sessions survive a restart and a full memory.
func redisCheck(cfg config.Config, url string, hasSessions bool) func(context.Context, *findings) {
	return func(ctx context.Context, f *findings) {
		certificates, err := cfg.RedisTLSConfig()
		if err != nil {
			f.add(markWrong, "%v", err)
			return
		}
		client, err := redis.Lazy(url, redis.Config{Name: "ticketing-doctor", TLS: certificates})
		if err != nil {
			f.add(markWrong, "%v", err)
			return
		}
		defer client.Close()
		began := time.Now()
		if err := tryRedis(ctx, client); err != nil {
			f.add(markWrong, "can't be used: %v; check that it runs, and the URL's host, user, password and rights", err)
			return
		}
		took := time.Since(began)
		info, err := client.Info(ctx).Result()
		if err != nil {
			f.add(markWarn, "does not say what it is: %v", err)
			return
		}
		reportRedis(parseInfo(info), took, hasSessions, f)
	}
}

// tryRedis uses the commands that the parts use, on a key that expires by itself.
func tryRedis(ctx context.Context, client *goredis.Client) error {
	key := "doctor:" + rand.Text()
	_, err := client.TxPipelined(ctx, func(p goredis.Pipeliner) error {
		p.Set(ctx, key, "1", time.Minute)
		p.Eval(ctx, `return redis.call('GET', KEYS[1])`, []string{key})
		p.Publish(ctx, key, "1")
		p.Del(ctx, key)
		return nil
	})
	return err
}

// parseInfo parses the response to INFO: name:value lines.
func parseInfo(text string) map[string]string {
	info := map[string]string{}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		if name, value, ok := strings.Cut(strings.TrimSpace(lines.Text()), ":"); ok {
			info[name] = value
		}
	}
	return info
}

func reportRedis(info map[string]string, took time.Duration, hasSessions bool, f *findings) {
	version := info["redis_version"]
	major, _, _ := strings.Cut(version, ".")
	if n, err := strconv.Atoi(major); err == nil && n < oldestRedis {
		f.add(markWrong, "Redis %s is too old: %d or newer is needed", version, oldestRedis)
	} else {
		f.add(markOK, "Redis %s, %s away", version, took.Round(100*time.Microsecond))
	}
	if hasSessions && info["maxmemory"] != "0" && info["maxmemory_policy"] != "noeviction" {
		f.add(markWarn, "maxmemory-policy is %s, which ends sessions when the memory is full: set noeviction", info["maxmemory_policy"])
	}
	if hasSessions && info["aof_enabled"] == "0" {
		f.add(markWarn, "appendonly is off: after a restart users have to sign in again")
	}
}

// checkBroker looks for the topics, which the relay makes if it may.
func checkBroker(ctx context.Context, cfg config.Config, f *findings) {
	certificates, err := cfg.BrokerTLSConfig()
	if err != nil {
		f.add(markWrong, "%v", err)
		return
	}
	client, err := kgo.NewClient(kafka.Options(kafka.Config{
		Brokers: cfg.Brokers, ClientID: "ticketing-doctor", TLS: certificates, Logger: slog.New(slog.DiscardHandler), SASL: kafka.SASL(cfg.SASL),
	})...)
	if err != nil {
		f.add(markWrong, "%v", err)
		return
	}
	defer client.Close()
	began := time.Now()
	topics, err := kadm.NewClient(client).ListTopics(ctx, cfg.Topics()...)
	if err != nil {
		f.add(markWrong, "can't be reached: %v; check that the brokers run, their addresses, REDPANDA_TLS and REDPANDA_SASL_…", err)
		return
	}
	f.add(markOK, "%d addresses, %s away", len(cfg.Brokers), time.Since(began).Round(100*time.Microsecond))
	for _, name := range cfg.Topics() {
		switch topic := topics[name]; {
		case topic.Err != nil:
			f.add(markWarn, "topic %s: %v; the relay creates missing topics if it may", name, topic.Err)
		default:
			f.add(markOK, "topic %s has %d partitions", name, len(topic.Partitions))
		}
	}
}

// checkMail signs in to the mail server, and sends nothing.
func checkMail(ctx context.Context, cfg config.Config, f *findings) {
	certificates, err := cfg.SMTPTLSConfig()
	if err == nil {
		err = mail.Probe(ctx, mail.Config{SMTPURL: cfg.SMTPURL, From: cfg.MailFrom, TLS: certificates})
	}
	if err != nil {
		f.add(markWrong, "%v; check the URL's host, port, user and password", err)
		return
	}
	f.add(markOK, "the mail server takes the sign-in")
}
