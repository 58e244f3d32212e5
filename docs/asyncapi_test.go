package docs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"ticketing/command/catalog"
	"ticketing/internal/cloudevents"
	"ticketing/internal/config"
)

// document is docs/asyncapi.yaml.
type document struct {
	raw    any // as JSON Schema validators take it
	schema *jsonschema.Compiler

	Channels map[string]struct {
		Address  string
		Messages map[string]struct {
			Ref string `json:"$ref"`
		}
	}
	Components struct {
		Messages map[string]struct {
			Name    string
			Payload struct {
				Ref string `json:"$ref"`
			}
		}
		Schemas map[string]struct {
			Properties map[string]any
			Required   []string
		}
	}
}

func readDocument(t *testing.T) *document {
	t.Helper()
	text, err := os.ReadFile("asyncapi.yaml")
	require.NoError(t, err)
	text, err = yaml.YAMLToJSON(text)
	require.NoError(t, err)
	var d document
	require.NoError(t, json.Unmarshal(text, &d))
	d.raw, err = jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	d.schema = compiler()
	require.NoError(t, d.schema.AddResource("asyncapi.yaml", d.raw))
	return &d
}

func compiler() *jsonschema.Compiler {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	c.AssertFormat()
	return c
}

// check validates JSON by a schema of the document.
func (d *document) check(t *testing.T, schema string, text []byte) error {
	t.Helper()
	compiled, err := d.schema.Compile("asyncapi.yaml#/components/schemas/" + schema)
	require.NoError(t, err)
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	return compiled.Validate(value)
}

// The schema is AsyncAPI's own (npm's @asyncapi/specs 6.11.1, schemas/3.0.0-without-$id.json), without descriptions, examples and the
// bindings of other protocols.
func TestTheDocumentIsAsyncAPI(t *testing.T) {
	d := readDocument(t)
	file, err := os.Open("testdata/asyncapi-3.0.0.json")
	require.NoError(t, err)
	defer file.Close()
	specification, err := jsonschema.UnmarshalJSON(file)
	require.NoError(t, err)
	c := compiler()
	require.NoError(t, c.AddResource("asyncapi.json", specification))
	schema, err := c.Compile("asyncapi.json")
	require.NoError(t, err)
	require.NoError(t, schema.Validate(d.raw))
	requireResolved(t, d.raw, d.raw)

	d.raw.(map[string]any)["channels"].(map[string]any)["events"].(map[string]any)["addresses"] = "a typo"
	require.Error(t, schema.Validate(d.raw), "the schema checks something")
}

// requireResolved follows every reference within the document.
func requireResolved(t *testing.T, root, at any) {
	t.Helper()
	switch at := at.(type) {
	case []any:
		for _, v := range at {
			requireResolved(t, root, v)
		}
	case map[string]any:
		if to, ok := at["$ref"].(string); ok {
			target := root
			for _, key := range strings.Split(strings.TrimPrefix(to, "#/"), "/") {
				target = target.(map[string]any)[key]
				require.NotNil(t, target, to)
			}
		}
		for _, v := range at {
			requireResolved(t, root, v)
		}
	}
}

func TestEveryDomainEventIsDescribedAsItIs(t *testing.T) {
	d := readDocument(t)
	registry := catalog.Registry()
	described := map[string]bool{}
	for name, current := range registry.Names() {
		for version := 1; version <= current; version++ {
			message := fmt.Sprintf("%s.v%d", name, version)
			described[message] = true
			t.Run(message, func(t *testing.T) {
				require.Contains(t, d.Components.Messages, message)
				require.Equal(t, name, d.Components.Messages[message].Name)
				require.Equal(t, "#/components/schemas/"+message, d.Components.Messages[message].Payload.Ref)
				golden, err := os.ReadFile(filepath.Join("../command/catalog/testdata", message+".json"))
				require.NoError(t, err)
				require.NoError(t, d.check(t, message, golden))
				require.Equal(t, slices.Sorted(maps.Keys(d.Components.Schemas[message].Properties)), fields(t, golden), "golden files have every field")

				decoded, err := registry.Decode(name, version, golden)
				require.NoError(t, err)
				require.Equal(t, topics(t)[path.Base(reflect.TypeOf(decoded).PkgPath())], d.addressOf(t, message))
				if version == current {
					_, _, least, err := registry.Encode(reflect.Zero(reflect.TypeOf(decoded)).Interface())
					require.NoError(t, err)
					require.ElementsMatch(t, d.Components.Schemas[message].Required, fields(t, least), "what is always there is required")
				}
			})
		}
	}
	for message := range d.Components.Messages {
		require.True(t, described[message], "%s is described, and there is no such domain event", message)
	}
	require.Error(t, d.check(t, "EventPublished.v1", []byte(`{"by": "usr_1"}`)), "a field that is not described shows")
}

// addressOf returns the topic of the one channel that has the message.
func (d *document) addressOf(t *testing.T, message string) string {
	t.Helper()
	var addresses []string
	for _, channel := range d.Channels {
		if reference, ok := channel.Messages[message]; ok {
			require.Equal(t, "#/components/messages/"+message, reference.Ref)
			addresses = append(addresses, channel.Address)
		}
	}
	require.Len(t, addresses, 1)
	return addresses[0]
}

// topics are those of an installation that names none, by category of streams.
func topics(t *testing.T) map[string]string {
	t.Helper()
	cfg, err := config.Load(map[string]string{"ENVIRONMENT": "test"})
	require.NoError(t, err)
	return map[string]string{
		"event": cfg.EventTopic, "inventory": cfg.InventoryTopic, "reservation": cfg.ReservationTopic, "payment": cfg.PaymentTopic,
	}
}

func fields(t *testing.T, object []byte) []string {
	t.Helper()
	var members map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(object, &members))
	return slices.Sorted(maps.Keys(members))
}

func TestHeadersAreDescribedAsTheyAre(t *testing.T) {
	d := readDocument(t)
	least := cloudevents.Event{
		ID: "b2c7-0-12", Type: "SeatsReserved", Source: "/ticketing/log/0", Subject: "inventory-evt_1", Time: time.Now(),
		Position: 12, StreamVersion: 3, SchemaVersion: 1, Incarnation: "b2c7", CorrelationID: "c", Actor: "usr_1",
	}
	most := least
	most.CausationID, most.Traceparent = "d", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for _, e := range []cloudevents.Event{least, most} {
		require.NoError(t, d.check(t, "Headers", headers(t, e)))
	}
	require.ElementsMatch(t, d.Components.Schemas["Headers"].Required, fields(t, headers(t, least)))
	require.Equal(t, slices.Sorted(maps.Keys(d.Components.Schemas["Headers"].Properties)), fields(t, headers(t, most)))
}

func headers(t *testing.T, e cloudevents.Event) []byte {
	t.Helper()
	values := map[string]string{}
	for _, h := range e.Record("topic").Headers {
		values[h.Key] = string(h.Value)
	}
	text, err := json.Marshal(values)
	require.NoError(t, err)
	return text
}
