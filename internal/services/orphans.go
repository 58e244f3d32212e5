package services

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"ticketing/internal/wait"
)

// orphanPatience is how long processes of a killed parent may take to end after each signal.
const orphanPatience = 5 * time.Second

// endOrphans ends the processes that work in a folder. Its caller has locked the folder, so that their parents are gone.
func endOrphans(ctx context.Context, folder string, signals ...syscall.Signal) error {
	for _, s := range signals {
		for _, pid := range workingIn(folder) {
			_ = syscall.Kill(pid, s) // may have ended by now
		}
		for deadline := time.Now().Add(orphanPatience); time.Now().Before(deadline); {
			if len(workingIn(folder)) == 0 {
				return nil
			}
			if err := wait.For(ctx, pollInterval); err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("processes %v work in %s and cannot be stopped", workingIn(folder), folder)
}

// workingIn returns the processes whose working directory is the folder, as it is for a server's processes. Without /proc it returns
// none.
func workingIn(folder string) []int {
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		return nil
	}
	var pids []int
	for _, link := range links {
		if target, err := os.Readlink(link); err != nil || target != folder {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(link))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
