package kafka

import (
	"context"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/internal/supervise"
)

// logger passes franz-go's messages on. Its informational ones, of every connection and rebalance, are logged at debug level, and so are
// repetitions: it has a line for each attempt that fails.
type logger struct {
	to       *slog.Logger
	repeated *supervise.Repetitions
}

func (l logger) Level() kgo.LogLevel {
	switch {
	case l.to.Enabled(context.Background(), slog.LevelDebug):
		return kgo.LogLevelInfo
	case l.to.Enabled(context.Background(), slog.LevelWarn):
		return kgo.LogLevelWarn
	default:
		return kgo.LogLevelError
	}
}

func (l logger) Log(level kgo.LogLevel, message string, keysAndValues ...any) {
	to := slog.LevelDebug
	switch level {
	case kgo.LogLevelError, kgo.LogLevelWarn:
		if l.repeated.IsNews(message) {
			to = slog.LevelWarn // the client tries again; who uses it logs what it fails to do
		}
	case kgo.LogLevelNone, kgo.LogLevelInfo, kgo.LogLevelDebug:
	}
	l.to.Log(context.Background(), to, "kafka: "+message, keysAndValues...)
}
