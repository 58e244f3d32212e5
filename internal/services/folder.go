package services

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"ticketing/internal/process"
)

// ErrInUse says that another process uses the folder.
var ErrInUse = errors.New("the folder is in use by another process")

// lock keeps other processes out of a folder. The kernel unlocks it when this process ends.
type lock struct{ file *os.File }

func lockDir(dir string) (*lock, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // the servers' users need access
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = fmt.Errorf("%w: %s; stop that process, or set DATA_DIR to a folder of your own", ErrInUse, dir)
		}
		return nil, errors.Join(err, file.Close())
	}
	return &lock{file: file}, nil
}

func (l *lock) unlock() error {
	if err := l.file.Close(); err != nil {
		return fmt.Errorf("unlock the data folder: %w", err)
	}
	return nil
}

func readOrMakePassword(path string) (string, error) {
	data, err := os.ReadFile(path)
	if password := strings.TrimSpace(string(data)); err == nil && password != "" {
		return password, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	password := rand.Text()
	if err := writeFile(path, []byte(password+"\n")); err != nil {
		return "", err
	}
	return password, nil
}

// writeFile replaces a file in one step, since this process may be killed at any moment.
func writeFile(path string, data []byte) error {
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// elsewhere holds a server's data if its user can't reach DATA_DIR, for example below /root.
const elsewhere = "/var/lib/ticketing"

// reachableDir returns the folder to use for dir: dir itself or, if the identity may not enter a folder above it, one in /var/lib/ticketing,
// to which dir becomes a link. Opening a home folder to other users would be worse.
func reachableDir(dir string, identity *process.Identity, logger *slog.Logger) (string, error) {
	target, err := filepath.EvalSymlinks(dir)
	if errors.Is(err, fs.ErrNotExist) {
		target, err = dir, os.Remove(dir) // a link whose target is gone
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	if err != nil {
		return "", fmt.Errorf("prepare the data folder: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil { //nolint:gosec // the server's user needs access
		return "", fmt.Errorf("prepare the data folder: %w", err)
	}
	err = identity.Reaches(target)
	if err == nil || !errors.Is(err, process.ErrUnreachable) {
		return target, err
	}
	if _, statErr := os.Stat(target); statErr == nil {
		return "", fmt.Errorf("%w; set DATA_DIR to a folder that it can reach, such as below %s", err, elsewhere)
	}
	if err := os.MkdirAll(elsewhere, 0o755); err != nil { //nolint:gosec // the server's user needs access
		return "", fmt.Errorf("prepare the data folder: %w", err)
	}
	if target, err = os.MkdirTemp(elsewhere, filepath.Base(dir)+"-"); err != nil {
		return "", fmt.Errorf("prepare the data folder: %w", err)
	}
	if err := os.Symlink(target, dir); err != nil {
		return "", fmt.Errorf("prepare the data folder: %w", err)
	}
	logger.Warn("the server's user can't reach DATA_DIR; its data are kept elsewhere", "user", identity.Name, "folder", dir, "kept_in", target)
	return target, nil
}
