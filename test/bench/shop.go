package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	ticketing "ticketing/clients/go"
)

const (
	mapRows, mapSeatsInRow = 100, 200 // 20,000 seats
	mapSection             = "Hall"
	seatsTaken             = 150 // p99 of two browsers is then the third slowest
	browserFolder          = "../browser"
)

// benchShop measures the shop's page of an event, from the request to the end of the response, against a handler that does nothing but write
// the same bytes; then, in two Chromiums, the map of 20,000 seats: until it is painted, and until a seat that is taken is grey.
func benchShop(ctx context.Context, b *bench) (err error) {
	cfg, env, stop, err := b.apiEnvironment(ctx, "shop")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	env["DATA_DIR"] += "-parts" // this program has the other one
	all, err := b.startProgram(ctx, "ticketing", env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopProcess(all)) }()
	url := "http://" + cfg.Addr()
	if err := awaitReady(ctx, url+"/health/ready"); err != nil {
		return err
	}
	eventID, err := createEventThroughAPI(ctx, url)
	if err != nil {
		return err
	}
	admin, _, err := ticketing.New(ticketing.Config{URL: url + "/graphql"}).SignIn(ctx, adminEmail)
	if err != nil {
		return err
	}
	hall := map[string]any{"eventId": eventID, "section": mapSection, "price": map[string]any{"amount": "59.00", "currencyCode": "EUR"}, "rows": newRows()}
	if err := admin.Mutate(ctx, "addInventory", "event { id }", hall, nil); err != nil {
		return err
	}
	if err := b.comparePages(ctx, cfg.Addr(), eventID); err != nil {
		return err
	}
	return b.benchMap(ctx, url, admin.Token(), eventID)
}

func newRows() []map[string]any {
	rows := make([]map[string]any, mapRows)
	for i := range rows {
		rows[i] = map[string]any{"row": "R" + strconv.Itoa(i+1), "seats": mapSeatsInRow}
	}
	return rows
}

// comparePages compares the page of an event with a hand-written handler.
func (b *bench) comparePages(ctx context.Context, shop, eventID string) (err error) {
	page, path, err := awaitPage(ctx, "http://"+shop, "/events/"+eventID)
	if err != nil {
		return err
	}
	file := filepath.Join(b.servers.folder, "page.html")
	if err := os.WriteFile(file, page, 0o600); err != nil {
		return fmt.Errorf("keep the page: %w", err)
	}
	handler, address, err := startHandler(childHandlerPage + "=" + file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopProcess(handler)) }()
	if err := awaitReady(ctx, "http://"+address+"/health/ready"); err != nil {
		return err
	}
	get := func(host string) func(int) []byte {
		request := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host)
		return func(int) []byte { return request }
	}
	return b.compareReads(ctx, "shop_event", []byte("</html>"), 1, apiSide{"shop", shop, get(shop)}, apiSide{"by hand", address, get(address)})
}

// awaitPage returns the page of an event once it shows all sections, and its path.
func awaitPage(ctx context.Context, base, path string) (page []byte, found string, err error) {
	err = awaitCondition(ctx, "the page of the event", 50*time.Millisecond, func() (bool, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+path, http.NoBody)
		if err != nil {
			return false, fmt.Errorf("ask for the page: %w", err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false, fmt.Errorf("ask for the page: %w", err)
		}
		defer func() { _ = response.Body.Close() }()
		if page, err = io.ReadAll(response.Body); err != nil {
			return false, fmt.Errorf("read the page: %w", err)
		}
		found = response.Request.URL.Path
		return response.StatusCode == http.StatusOK && strings.Contains(string(page), strconv.Itoa(mapRows*mapSeatsInRow)+" left"), nil
	})
	return page, found, err
}

// newPageHandler returns a handler as one would write it for a page that is in memory.
func newPageHandler(page []byte) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health/ready", func(http.ResponseWriter, *http.Request) {})
	length := strconv.Itoa(len(page))
	mux.HandleFunc("GET /events/{event}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Length", length)
		_, _ = w.Write(page)
	})
	return mux
}

// benchMap measures what people see, in Chromium.
func (b *bench) benchMap(ctx context.Context, url, token, eventID string) error {
	chromium, err := exec.LookPath("chromium")
	_, missing := os.Stat(filepath.Join(browserFolder, "node_modules"))
	if installed := err == nil && missing == nil; !installed {
		b.printf("  not measured in a browser: `make setup-tests` and Chromium are needed")
		return nil
	}
	command := exec.CommandContext(ctx, "node", "seats.mjs", chromium, url, token, eventID, mapSection, strconv.Itoa(seatsTaken)) //nolint:gosec // a program of ours
	command.Dir, command.Stderr = browserFolder, os.Stderr
	output, err := command.Output()
	if err != nil {
		return fmt.Errorf("measure in Chromium: %w", err)
	}
	var seen struct {
		Bytes       float64
		Drawn, Grey []float64 // milliseconds
	}
	if err := json.Unmarshal(output, &seen); err != nil {
		return fmt.Errorf("read what was measured in Chromium: %w", err)
	}
	slices.Sort(seen.Drawn)
	slices.Sort(seen.Grey)
	quantile := func(values []float64, q float64) float64 {
		return values[min(int(q*float64(len(values))), len(values)-1)]
	}
	b.printFigure("shop_bytes_until_held", seen.Bytes)
	b.printFigure("shop_map_p50_ms", quantile(seen.Drawn, 0.5))
	b.printFigure("shop_map_slowest_ms", quantile(seen.Drawn, 1))
	b.printFigure("shop_seat_grey_p50_ms", quantile(seen.Grey, 0.5))
	b.printFigure("shop_seat_grey_p99_ms", quantile(seen.Grey, 0.99))
	return nil
}
