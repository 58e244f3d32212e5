package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"

	"ticketing/command/catalog"
	"ticketing/internal/config"
	"ticketing/internal/postgres"
	"ticketing/internal/process"
	"ticketing/internal/services"
	"ticketing/projector"
)

const (
	readConnections = 16
	readers         = 16
	readEvents      = 100_000 // domain events in the log of the tables
	pageOf          = 20
)

const eventQuery = `query Event($id: ID!) { event(id: $id) { id version inventoryVersion name venue startsAt status
	sections { name price { amount currencyCode } capacity available reserved sold } } }`

const reservationsQuery = `query Mine($first: Int!) { me { reservations(first: $first) { nodes {
	id version status createdAt total { amount currencyCode } seats { section label price { amount currencyCode } }
	event { id name startsAt } payments { id status amount { amount currencyCode } refunded { amount currencyCode } } } } } }`

// benchReads measures queries from the HTTP request to the end of the response: one event with its sections, and 20 reservations with their events and
// payments. The api is its own binary; in another process a hand-written handler gives the same responses
// from the same statements. It has no sessions, so their cost counts against the api.
func benchReads(ctx context.Context, b *bench) (err error) {
	cfg, env, stop, err := b.apiEnvironment(ctx, "reads")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	env["TRUSTED_PROXIES"] = "127.0.0.1" // this program, which names the addresses of its customers
	api, err := b.startProgram(ctx, "api", env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopProcess(api)) }()
	handler, address, err := startHandler(childHandlerURL + "=" + cfg.ReadURL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopProcess(handler)) }()
	for _, url := range []string{"http://" + cfg.Addr(), "http://" + address} {
		if err := awaitReady(ctx, url+"/health/ready"); err != nil {
			return err
		}
	}
	ids, tokens, err := signInMany(ctx, "http://"+cfg.Addr(), "reader", readers)
	if err != nil {
		return err
	}
	p := newPurchases(ids)
	if err := fillReadTables(ctx, cfg, p); err != nil {
		return err
	}
	get := func(path string) []byte {
		return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, address)
	}
	event, err := postGraphQL(cfg.Addr(), "", eventQuery, map[string]any{"id": p.eventIDs[0]})
	if err != nil {
		return err
	}
	err = b.compareReads(ctx, "graphql_event", []byte(`"available"`), sectionsPerEvent,
		apiSide{"GraphQL", cfg.Addr(), func(i int) []byte { return asCustomer(event, i) }},
		apiSide{"by hand", address, func(int) []byte { return get("/events/" + p.eventIDs[0]) }})
	if err != nil {
		return err
	}
	mine := make([][]byte, readers)
	for i := range mine {
		if mine[i], err = postGraphQL(cfg.Addr(), tokens[i], reservationsQuery, map[string]any{"first": pageOf}); err != nil {
			return err
		}
	}
	return b.compareReads(ctx, "graphql_reservations", []byte(`"refunded"`), pageOf,
		apiSide{"GraphQL", cfg.Addr(), func(i int) []byte { return mine[i%readers] }},
		apiSide{"by hand", address, func(i int) []byte { return get("/customers/" + ids[i%readers] + "/reservations") }})
}

// asCustomer returns a request from the address of a customer: one address may use an eighth of the connections to the database only.
func asCustomer(request []byte, i int) []byte {
	return bytes.Replace(request, []byte("\r\n"), fmt.Appendf(nil, "\r\nX-Forwarded-For: 192.0.2.%d\r\n", i+1), 1)
}

func stopProcess(p *process.Process) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return p.Stop(ctx, syscall.SIGTERM)
}

// startHandler starts a hand-written handler. The environment says what it serves.
func startHandler(env ...string) (p *process.Process, address string, err error) {
	program, err := os.Executable()
	if err != nil {
		return nil, "", fmt.Errorf("find this program: %w", err)
	}
	port, err := services.FreePort()
	if err != nil {
		return nil, "", err
	}
	address = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	p, err = process.Start(process.Spec{
		Path: program, Env: append(env, childHandler+"="+address), Stderr: os.Stderr,
	})
	return p, address, err
}

// fillReadTables writes a log and rebuilds the read tables from it, which needs no broker.
func fillReadTables(ctx context.Context, cfg config.Config, p *purchases) error {
	events, err := postgres.NewPool(ctx, cfg.EventsURL, postgres.Config{MaxConnections: 2})
	if err != nil {
		return err
	}
	defer events.Close()
	read, err := postgres.NewPool(ctx, cfg.ReadURL, postgres.Config{MaxConnections: 4})
	if err != nil {
		return err
	}
	defer read.Close()
	if err := p.writeLog(ctx, events, readEvents); err != nil {
		return err
	}
	for _, name := range []string{"events", "availability", "reservations", "payments"} {
		c := projector.Config{Events: events, Read: read, Topics: topics, Registry: catalog.Registry(), Logger: newLogger()}
		if err := projector.Rebuild(ctx, c, name); err != nil {
			return err
		}
	}
	if _, err := read.Exec(ctx, `ANALYZE`); err != nil {
		return fmt.Errorf("analyze the read tables: %w", err)
	}
	return nil
}

// apiSide is one of two servers with the same responses.
type apiSide struct {
	name, address string
	request       func(connection int) []byte
}

// compareReads compares two servers. Every response must contain mark so many times.
func (b *bench) compareReads(ctx context.Context, what string, mark []byte, times int, ours, byHand apiSide) error {
	var sums [2]measured
	round := func(sum *measured, s apiSide) func(int) error {
		return func(int) error {
			return b.measureSide(sum, s.name+", "+what, func() (measured, error) { return s.runLoad(ctx, b.round, mark, times) })
		}
	}
	if err := b.takeTurns(round(&sums[0], ours), round(&sums[1], byHand)); err != nil {
		return err
	}
	b.printFigure(what+"_per_s", sums[0].perSecond())
	b.printFigure(what+"_ratio", sums[0].perSecond()/sums[1].perSecond())
	return nil
}

func (s apiSide) runLoad(ctx context.Context, d time.Duration, mark []byte, times int) (measured, error) {
	conns, requests := make([]*httpConn, readConnections), make([][]byte, readConnections)
	for i := range conns {
		var err error
		if conns[i], err = dialHTTP(ctx, s.address); err != nil {
			return measured{}, err
		}
		defer conns[i].close()
		requests[i] = s.request(i)
	}
	return closedLoop(ctx, readConnections, d, func(_ context.Context, client, _ int) error {
		answer, err := conns[client].roundTrip(requests[client])
		if err == nil && bytes.Count(answer, mark) != times {
			return fmt.Errorf("a wrong answer: %s", answer)
		}
		return err
	})
}
