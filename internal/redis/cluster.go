package redis

import (
	"context"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"
)

// ErrCluster means that a server is a node of Redis Cluster.
var ErrCluster = errors.New("this is a node of Redis Cluster, which is not supported, since scripts use keys of several slots: use one server, or Sentinel")

// RefuseCluster returns ErrCluster for a client of a node of Redis Cluster. A server that is away, or does not say, is not refused.
func RefuseCluster(ctx context.Context, client *redis.Client) error {
	info, err := client.Info(ctx, "cluster").Result()
	if err == nil && strings.Contains(info, "cluster_enabled:1") {
		return ErrCluster
	}
	return nil
}
