package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/centrifugal/centrifuge"

	"ticketing/internal/process"
	"ticketing/internal/services"
)

// childCentrifuge is the environment variable that makes this program a server of centrifuge: it holds its address.
const childCentrifuge = "TICKETING_BENCH_CENTRIFUGE"

const centrifugeChannel = "event"

// centrifugeChild is such a server in another process.
type centrifugeChild struct {
	side    side
	address string
	process *process.Process
}

func startCentrifuge(ctx context.Context) (*centrifugeChild, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	port, err := services.FreePort()
	if err != nil {
		return nil, err
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	p, err := process.Start(process.Spec{Path: program, Env: []string{childCentrifuge + "=" + address}, Stderr: os.Stderr})
	if err != nil {
		return nil, err
	}
	c := &centrifugeChild{address: address, process: p, side: side{url: "ws://" + address + "/", pid: p.PID(), greeting: []string{
		`{"id":1,"connect":{}}`, `{"id":2,"subscribe":{"channel":"` + centrifugeChannel + `"}}`,
	}}}
	return c, awaitReady(ctx, "http://"+address+"/ready")
}

// runCentrifuge serves WebSockets, and broadcasts what is posted to /publish.
func runCentrifuge(ctx context.Context) error {
	node, err := centrifuge.New(centrifuge.Config{LogLevel: centrifuge.LogLevelError})
	if err != nil {
		return fmt.Errorf("make a node: %w", err)
	}
	node.OnConnecting(func(context.Context, centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		return centrifuge.ConnectReply{Credentials: &centrifuge.Credentials{}}, nil
	})
	node.OnConnect(func(client *centrifuge.Client) {
		client.OnSubscribe(func(_ centrifuge.SubscribeEvent, reply centrifuge.SubscribeCallback) {
			reply(centrifuge.SubscribeReply{}, nil)
		})
	})
	if err := node.Run(); err != nil {
		return fmt.Errorf("run the node: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{CheckOrigin: func(*http.Request) bool { return true }}))
	mux.HandleFunc("/ready", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/publish", func(w http.ResponseWriter, r *http.Request) {
		message, err := io.ReadAll(r.Body)
		if err == nil {
			_, err = node.Publish(centrifugeChannel, message)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	server := &http.Server{Addr: os.Getenv(childCentrifuge), Handler: mux, ReadHeaderTimeout: time.Minute}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
