package eventstore

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// Registry maps each Go type of domain event to its name and schema version in the log, and upcasts data of older versions. Names are
// written out, so that renaming a Go type can't break the log.
type Registry struct {
	byName map[string]*eventType
	byType map[reflect.Type]*eventType
}

type eventType struct {
	name      string
	version   int
	decode    func(json.RawMessage) (any, error)
	upcasters map[int]func(json.RawMessage) (json.RawMessage, error)
}

// NewRegistry returns an empty registry.
func NewRegistry() *Registry {
	return &Registry{byName: map[string]*eventType{}, byType: map[reflect.Type]*eventType{}}
}

// Register has E written to the log as name, in this schema version. It panics if either is registered already.
func Register[E any](r *Registry, name string, version int) {
	t := &eventType{
		name: name, version: version,
		decode: func(data json.RawMessage) (any, error) {
			var e E
			if err := json.Unmarshal(data, &e); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			return e, nil
		},
		upcasters: map[int]func(json.RawMessage) (json.RawMessage, error){},
	}
	goType := reflect.TypeFor[E]()
	if r.byName[name] != nil || r.byType[goType] != nil {
		panic(fmt.Sprintf("eventstore: %s or %v is registered twice", name, goType))
	}
	r.byName[name], r.byType[goType] = t, t
}

// Upcast has f turn data of the named domain event from schema version from into from+1.
func (r *Registry) Upcast(name string, from int, f func(json.RawMessage) (json.RawMessage, error)) {
	r.byName[name].upcasters[from] = f
}

// Names returns the registered names with their current schema versions.
func (r *Registry) Names() map[string]int {
	names := make(map[string]int, len(r.byName))
	for name, t := range r.byName {
		names[name] = t.version
	}
	return names
}

// UnknownTypeError says that the log holds a domain event that this build does not know: it is older than the log.
type UnknownTypeError struct {
	Name    string
	Version int
}

func (e *UnknownTypeError) Error() string {
	return fmt.Sprintf("domain event type %s, schema version %d, is unknown to this build", e.Name, e.Version)
}

// Decode returns the Go value of data in the log, after upcasting it one version at a time.
func (r *Registry) Decode(name string, version int, data json.RawMessage) (any, error) {
	t := r.byName[name]
	if t == nil || version > t.version || version < 1 {
		return nil, &UnknownTypeError{Name: name, Version: version}
	}
	for v := version; v < t.version; v++ {
		upcast := t.upcasters[v]
		if upcast == nil {
			return nil, &UnknownTypeError{Name: name, Version: v}
		}
		var err error
		if data, err = upcast(data); err != nil {
			return nil, fmt.Errorf("upcast %s from version %d: %w", name, v, err)
		}
	}
	e, err := t.decode(data)
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", name, err)
	}
	return e, nil
}

// Encode returns the name, current schema version and JSON of a domain event.
func (r *Registry) Encode(e any) (name string, version int, data json.RawMessage, err error) {
	t := r.byType[reflect.TypeOf(e)]
	if t == nil {
		return "", 0, nil, fmt.Errorf("domain event type %T is not registered", e)
	}
	if data, err = json.Marshal(e); err != nil {
		return "", 0, nil, fmt.Errorf("encode %s: %w", t.name, err)
	}
	return t.name, t.version, data, nil
}
