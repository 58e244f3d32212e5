package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
)

// problem is why a request is no GraphQL request.
type problem struct {
	status  int
	message string
}

func (p *problem) Error() string { return p.message }

func bad(message string) *problem { return &problem{status: http.StatusBadRequest, message: message} }

// readParams reads the operation from the URL or from the body.
func (h *Handler) readParams(w http.ResponseWriter, r *http.Request) (*graphql.RawParams, *problem) {
	if r.Method == http.MethodGet {
		return paramsOfURL(r)
	}
	media, options, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if charset := options["charset"]; err != nil || media != "application/json" || (charset != "" && !strings.EqualFold(charset, "utf-8")) {
		return nil, &problem{http.StatusUnsupportedMediaType, "the Content-Type must be application/json in UTF-8"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.cfg.MaxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, &problem{http.StatusRequestEntityTooLarge, "the request is too large"}
	}
	if err != nil {
		return nil, bad("the request could not be read")
	}
	return decodeParams(body)
}

func paramsOfURL(r *http.Request) (*graphql.RawParams, *problem) {
	values := r.URL.Query()
	body := map[string]json.RawMessage{}
	for _, name := range []string{"query", "operationName"} {
		if values.Has(name) {
			text, err := json.Marshal(values.Get(name))
			if err != nil {
				return nil, bad(name + " is not text")
			}
			body[name] = text
		}
	}
	for _, name := range []string{"variables", "extensions"} {
		if text := values.Get(name); text != "" {
			body[name] = json.RawMessage(text)
		}
	}
	whole, err := json.Marshal(body)
	if err != nil {
		return nil, bad("variables and extensions must be JSON")
	}
	return decodeParams(whole)
}

// decodeParams reads the JSON of an operation strictly: what has the wrong type is refused, not guessed at.
func decodeParams(body []byte) (*graphql.RawParams, *problem) {
	if !utf8.Valid(body) {
		return nil, bad("the request is not valid UTF-8")
	}
	var fields map[string]json.RawMessage
	if err := decode(body, &fields); err != nil || fields == nil {
		return nil, bad("the request must be a JSON object")
	}
	var p graphql.RawParams
	if err := decode(fields["query"], &p.Query); err != nil || p.Query == "" {
		return nil, bad("query must be a string that is not empty")
	}
	if raw, given := fields["operationName"]; given && decode(raw, &p.OperationName) != nil {
		return nil, bad("operationName must be a string")
	}
	if raw, given := fields["variables"]; given && decode(raw, &p.Variables) != nil {
		return nil, bad("variables must be an object")
	}
	if raw, given := fields["extensions"]; given && decode(raw, &p.Extensions) != nil {
		return nil, bad("extensions must be an object")
	}
	return &p, nil
}

var errTrailing = errors.New("more than one JSON value")

// decode reads exactly one JSON value, and numbers without losing digits.
func decode(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errTrailing
	}
	return nil
}
