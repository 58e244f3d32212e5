package kafka

import (
	"context"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"
)

// logger passes franz-go's messages on. Its informational ones, of every connection and rebalance, are logged at debug level.
type logger struct{ to *slog.Logger }

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
	case kgo.LogLevelError:
		to = slog.LevelError
	case kgo.LogLevelWarn:
		to = slog.LevelWarn
	case kgo.LogLevelNone, kgo.LogLevelInfo, kgo.LogLevelDebug:
	}
	l.to.Log(context.Background(), to, "kafka: "+message, keysAndValues...)
}
