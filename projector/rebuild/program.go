package rebuild

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"ticketing/command/eventstore"
	"ticketing/internal/postgres"
)

// thisProgram names the program that runs by its bytes: only the same code is sure to fill the same rows.
var thisProgram = sync.OnceValues(func() (name string, err error) {
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program: %w", err)
	}
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read this program: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", fmt.Errorf("read this program: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)[:16]), nil
})

// readSchemaVersion returns the migration that the read tables are at.
func readSchemaVersion(ctx context.Context, read eventstore.Querier) (version int64, err error) {
	version, _, err = postgres.SchemaVersion(ctx, read)
	return version, err
}
