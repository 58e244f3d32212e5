package documents

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Read returns the documents of a file: one with the ending .graphql is a document; others are what GraphQL Code Generator or Relay's compiler
// writes (a JSON object of ids and documents), Apollo's manifest of persisted queries, or what genqlient exports. Ids have to be SHA-256.
func Read(path string) ([]string, error) {
	content, err := readManifest(path)
	if err != nil {
		return nil, fmt.Errorf("read documents: %w", err)
	}
	if filepath.Ext(path) == ".graphql" {
		return []string{string(content)}, nil
	}
	listed, err := readOperations(content)
	if listed == nil && err == nil {
		listed, err = parseManifest(content)
	}
	if err != nil {
		return nil, fmt.Errorf("read the documents of %s: %w", path, err)
	}
	texts := make([]string, 0, len(listed))
	for _, text := range listed {
		texts = append(texts, text)
	}
	return texts, nil
}

// readOperations returns nil when the content is neither of Apollo nor of genqlient, which has no ids.
func readOperations(content []byte) (map[string]string, error) {
	var manifest struct {
		Format     string                             `json:"format"`
		Operations []struct{ ID, Body, Query string } `json:"operations"`
	}
	if json.Unmarshal(content, &manifest) != nil || manifest.Format != "apollo-persisted-query-manifest" && manifest.Format != "" || manifest.Operations == nil {
		return nil, nil //nolint:nilerr,nilnil // it is something else
	}
	listed := map[string]string{}
	for _, operation := range manifest.Operations {
		if manifest.Format == "" {
			operation.ID, operation.Body = idPrefix+hashOf(operation.Query), operation.Query
		}
		listed[operation.ID] = operation.Body
	}
	return checkManifest(listed)
}

// Register adds documents to the manifest at path, which it makes when there is none. Readers see the old manifest or the new one. It returns how many
// were new, and how many the manifest has.
func Register(path string, texts ...string) (added, total int, err error) {
	known := map[string]string{}
	content, err := readManifest(path)
	if err == nil {
		known, err = parseManifest(content)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, 0, fmt.Errorf("read the manifest %s: %w", path, err)
	}
	listed := map[string]string{}
	for hash, text := range known {
		listed[idPrefix+hash] = text
	}
	before := len(listed)
	for _, text := range texts {
		listed[idPrefix+hashOf(text)] = text
	}
	if err := writeManifest(path, listed); err != nil {
		return 0, 0, fmt.Errorf("write the manifest: %w", err)
	}
	return len(listed) - before, len(listed), nil
}

func writeManifest(path string, listed map[string]string) error {
	var content bytes.Buffer
	encoder := json.NewEncoder(&content)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(listed); err != nil {
		return err
	}
	if content.Len() > longestManifest {
		return fmt.Errorf("it would be longer than %d MiB", longestManifest>>20)
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = file.Write(content.Bytes())
	const readable = 0o644 // by the api, which has another user
	err = errors.Join(err, file.Chmod(readable), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
