package catalog

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzDecode checks that any data is a domain event or an error, and that a domain event is the same when it is written and read again. A topic that
// others can write to has any data.
func FuzzDecode(f *testing.F) {
	registry := Registry()
	for _, file := range goldenFiles(f) {
		f.Add(file.name, file.version, []byte(file.data))
	}
	f.Fuzz(func(t *testing.T, name string, version int, data []byte) {
		decoded, err := registry.Decode(name, version, data)
		if err != nil {
			return
		}
		_, current, written, err := registry.Encode(decoded)
		if err != nil {
			return // a time that JSON can't have
		}
		again, err := registry.Decode(name, current, written)
		require.NoError(t, err)
		_, _, rewritten, err := registry.Encode(again)
		require.NoError(t, err)
		require.Equal(t, string(written), string(rewritten))
	})
}

// JSON's null is no object. An upcaster that adds a field to it would end the process.
func TestNullIsNoDomainEventOfAnOldVersion(t *testing.T) {
	registry := Registry()
	for name, current := range registry.Names() {
		if current == 1 {
			continue
		}
		_, err := registry.Decode(name, 1, json.RawMessage(`null`))
		require.Error(t, err, name)
	}
}
