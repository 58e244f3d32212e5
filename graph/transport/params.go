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

// paramsError says why a request is not a GraphQL request.
type paramsError struct {
	status  int
	message string
}

func (p *paramsError) Error() string { return p.message }

func badParams(message string) *paramsError {
	return &paramsError{status: http.StatusBadRequest, message: message}
}

// operationParams is what a request asks for: the text of an operation, or its id.
type operationParams struct {
	graphql.RawParams

	documentID string
}

// readParams reads the operation from the URL or from the body.
func (h *Handler) readParams(w http.ResponseWriter, r *http.Request) (*operationParams, *paramsError) {
	if r.Method == http.MethodGet {
		return readURLParams(r)
	}
	media, options, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if charset := options["charset"]; err != nil || media != "application/json" || (charset != "" && !strings.EqualFold(charset, "utf-8")) {
		return nil, &paramsError{http.StatusUnsupportedMediaType, "the Content-Type must be application/json in UTF-8"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.cfg.MaxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, &paramsError{http.StatusRequestEntityTooLarge, "the request is too large"}
	}
	if err != nil {
		return nil, badParams("the request could not be read")
	}
	return decodeParams(body)
}

func readURLParams(r *http.Request) (*operationParams, *paramsError) {
	values := r.URL.Query()
	body := map[string]json.RawMessage{}
	for _, name := range []string{"query", "operationName", "documentId"} {
		if values.Has(name) {
			text, err := json.Marshal(values.Get(name))
			if err != nil {
				return nil, badParams(name + " is not text")
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
		return nil, badParams("variables and extensions must be JSON")
	}
	return decodeParams(whole)
}

// decodeParams reads the JSON of an operation strictly: a wrong type is an error and not converted.
func decodeParams(body []byte) (*operationParams, *paramsError) {
	if !utf8.Valid(body) {
		return nil, badParams("the request is not valid UTF-8")
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil || fields == nil {
		return nil, badParams("the request must be a JSON object")
	}
	var p operationParams
	if wrong := p.decodeDocument(fields); wrong != nil {
		return nil, wrong
	}
	if raw, given := fields["operationName"]; given && json.Unmarshal(raw, &p.OperationName) != nil {
		return nil, badParams("operationName must be a string")
	}
	if raw, given := fields["variables"]; given && decodeNumbers(raw, &p.Variables) != nil {
		return nil, badParams("variables must be an object")
	}
	if raw, given := fields["extensions"]; given && decodeNumbers(raw, &p.Extensions) != nil {
		return nil, badParams("extensions must be an object")
	}
	return &p, nil
}

// decodeDocument reads which document is to be executed. Without a query, the extension of automatic persisted queries is left to be refused with
// the code at which their clients send the query.
func (p *operationParams) decodeDocument(fields map[string]json.RawMessage) *paramsError {
	id, given := fields["documentId"]
	if !given {
		var extensions map[string]json.RawMessage
		query, hasQuery := fields["query"]
		if _ = json.Unmarshal(fields["extensions"], &extensions); !hasQuery && extensions["persistedQuery"] != nil {
			return nil
		}
		if err := json.Unmarshal(query, &p.Query); err != nil || p.Query == "" {
			return badParams("query must be a string that is not empty")
		}
		return nil
	}
	if err := json.Unmarshal(id, &p.documentID); err != nil || p.documentID == "" {
		return badParams("documentId must be a string that is not empty")
	}
	if _, both := fields["query"]; both {
		return badParams("query and documentId exclude one another")
	}
	return nil
}

// decodeNumbers decodes a JSON value, and its numbers without losing digits.
func decodeNumbers(raw json.RawMessage, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return d.Decode(into)
}
