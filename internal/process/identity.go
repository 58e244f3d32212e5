package process

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// Identity is the user that a child runs as. The nil Identity is this process's user.
type Identity struct {
	Name     string
	UID, GID uint32
}

// Unprivileged returns the first of the users that exists, for servers that refuse to run as root. It returns nil if this process does not
// run as root.
func Unprivileged(names ...string) (*Identity, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // nil is an Identity: this process's own
	}
	for _, name := range names {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("look up user %s: %w", name, err)
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("look up user %s: %w", name, err)
		}
		return &Identity{Name: name, UID: uint32(uid), GID: uint32(gid)}, nil
	}
	return nil, fmt.Errorf("running as root, and none of the users %v exists to run a server", names)
}

func (i *Identity) credential() *syscall.Credential {
	if i == nil {
		return nil
	}
	return &syscall.Credential{Uid: i.UID, Gid: i.GID, Groups: []uint32{i.GID}}
}

// OwnedDir makes a directory that only the identity can read. The directory may exist.
func (i *Identity) OwnedDir(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	if err := i.chown(path); err != nil {
		return err
	}
	if err := os.Chmod(path, 0o700); err != nil { //nolint:gosec // a directory needs x
		return fmt.Errorf("make a folder: %w", err)
	}
	return nil
}

// WriteFile writes a file that only the identity can read.
func (i *Identity) WriteFile(path string, data []byte) error {
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return fmt.Errorf("write a file: %w", err)
	}
	return i.chown(path)
}

func (i *Identity) chown(path string) error {
	if i == nil {
		return nil
	}
	if err := os.Chown(path, int(i.UID), int(i.GID)); err != nil {
		return fmt.Errorf("hand a file over: %w", err)
	}
	return nil
}

// ErrUnreachable says that the identity may not enter a folder above a path.
var ErrUnreachable = errors.New("the folder is closed to the user")

// Reaches returns ErrUnreachable if the identity may not enter one of the folders above path, which must be absolute.
func (i *Identity) Reaches(path string) error {
	if i == nil {
		return nil
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return fmt.Errorf("check a folder: %w", err)
		}
		if !i.canPass(info) {
			return fmt.Errorf("%w: %s may not enter %s (%s)", ErrUnreachable, i.Name, dir, info.Mode().Perm())
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

func (i *Identity) canPass(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	bit := os.FileMode(0o001)
	switch {
	case ok && stat.Uid == i.UID:
		bit = 0o100
	case ok && stat.Gid == i.GID:
		bit = 0o010
	}
	return info.Mode().Perm()&bit != 0
}
