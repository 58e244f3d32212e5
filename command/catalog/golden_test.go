package catalog

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// The flag update rewrites the golden files of the current versions only. Only a new type or field may need it: any other change needs a
// new version with an upcaster, and leaves the old file as it is.
var update = flag.Bool("update", false, "rewrite the golden files of the domain events' current versions")

func golden(name string, version int) string {
	return filepath.Join("testdata", fmt.Sprintf("%s.v%d.json", name, version))
}

func TestWhatIsWrittenIsTheGoldenFile(t *testing.T) {
	registry := Registry()
	for name, current := range registry.Names() {
		t.Run(name, func(t *testing.T) {
			sample, ok := samples[name]
			require.True(t, ok, "add a sample of %s", name)
			writtenAs, version, data, err := registry.Encode(sample)
			require.NoError(t, err)
			require.Equal(t, name, writtenAs)
			require.Equal(t, current, version)
			if *update {
				require.NoError(t, os.MkdirAll("testdata", 0o755))
				require.NoError(t, os.WriteFile(golden(name, version), indent(t, data), 0o644))
			}
			want, err := os.ReadFile(golden(name, version))
			require.NoError(t, err, "go test ./command/catalog -update writes it")
			require.Equal(t, string(want), string(indent(t, data)))
		})
	}
}

func TestEveryVersionEverWrittenHasAGoldenFile(t *testing.T) {
	for name, current := range Registry().Names() {
		for version := 1; version <= current; version++ {
			require.FileExists(t, golden(name, version))
		}
	}
}

// A golden file whose type is gone is history that this build can no longer read.
func TestEveryGoldenFileIsReadable(t *testing.T) {
	registry := Registry()
	for _, file := range goldenFiles(t) {
		t.Run(file.name, func(t *testing.T) {
			decoded, err := registry.Decode(file.name, file.version, file.data)
			require.NoError(t, err)
			require.Equal(t, reflect.TypeOf(samples[file.name]), reflect.TypeOf(decoded))
			if file.version == registry.Names()[file.name] {
				require.Equal(t, samples[file.name], decoded)
			}
		})
	}
}

func TestDecodeOfEncodeIsIdentity(t *testing.T) {
	registry := Registry()
	for name, sample := range samples {
		for kind, e := range map[string]any{"full": sample, "empty": reflect.Zero(reflect.TypeOf(sample)).Interface()} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				_, version, data, err := registry.Encode(e)
				require.NoError(t, err)
				decoded, err := registry.Decode(name, version, data)
				require.NoError(t, err)
				require.Equal(t, e, decoded)
			})
		}
	}
}

// A field that no sample sets is in no golden file, and could be renamed unnoticed.
func TestSamplesSetEveryField(t *testing.T) {
	for name, sample := range samples {
		requireSet(t, name, reflect.ValueOf(sample))
	}
}

func requireSet(t *testing.T, path string, v reflect.Value) {
	t.Helper()
	switch {
	case v.Kind() == reflect.Slice:
		require.NotZero(t, v.Len(), path)
		requireSet(t, path+"[0]", v.Index(0))
	case v.Kind() == reflect.Struct && v.Type().PkgPath() != "time":
		for field, value := range v.Fields() {
			requireSet(t, path+"."+field.Name, value)
		}
	default:
		require.False(t, v.IsZero(), path)
	}
}

// Domain events are never erased, so they may name users by id only.
func TestNoPersonalDataInTheLog(t *testing.T) {
	address := regexp.MustCompile(`[^\s"]+@[^\s"]+`)
	personal := regexp.MustCompile(`(?i)"[^"]*(mail|phone|address|first_?name|last_?name|birth|iban|card)[^"]*"\s*:`)
	for _, file := range goldenFiles(t) {
		require.NotRegexp(t, address, string(file.data), file.name)
		require.NotRegexp(t, personal, string(file.data), file.name)
	}
}

type goldenFile struct {
	name    string
	version int
	data    json.RawMessage
}

func goldenFiles(t testing.TB) []goldenFile {
	t.Helper()
	entries, err := os.ReadDir("testdata")
	require.NoError(t, err)
	entries = slices.DeleteFunc(entries, os.DirEntry.IsDir) // what fuzzing found
	require.NotEmpty(t, entries)
	files := make([]goldenFile, len(entries))
	for i, entry := range entries {
		parts := regexp.MustCompile(`^([A-Za-z]+)\.v([1-9]\d*)\.json$`).FindStringSubmatch(entry.Name())
		require.NotNil(t, parts, "%s is not named <Type>.v<version>.json", entry.Name())
		version, err := strconv.Atoi(parts[2])
		require.NoError(t, err)
		data, err := os.ReadFile(filepath.Join("testdata", entry.Name()))
		require.NoError(t, err)
		files[i] = goldenFile{name: parts[1], version: version, data: data}
	}
	return files
}

func indent(t *testing.T, data json.RawMessage) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, json.Indent(&out, data, "", "  "))
	out.WriteByte('\n')
	return out.Bytes()
}
