// Package cluster_test applies deploy/kubernetes to a real kube-apiserver: every field is one that Kubernetes, KEDA, the Prometheus operator or
// External Secrets knows, admission takes every pod, and what the last release applied can become what this one applies. There are no nodes,
// so nothing runs. `make test-kubernetes` builds the server and runs this.
package cluster_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// patience is how long a server may take to start on a busy machine.
const patience = 3 * time.Minute

// startCluster starts etcd and a kube-apiserver and returns how to reach it as an administrator.
func startCluster(t *testing.T) *rest.Config {
	t.Helper()
	server := os.Getenv("KUBE_APISERVER")
	if server == "" {
		t.Skip("make test-kubernetes runs this")
	}
	folder := t.TempDir()
	etcd := "http://127.0.0.1:" + freePort(t)
	startServer(t, folder, "etcd", "--data-dir="+folder+"/etcd", "--unsafe-no-fsync", "--listen-client-urls="+etcd, "--advertise-client-urls="+etcd,
		"--listen-peer-urls=http://127.0.0.1:0")
	const token = "administrator"
	require.NoError(t, os.WriteFile(folder+"/tokens", []byte(token+",administrator,administrator,system:masters\n"), 0o600))
	writeKey(t, folder+"/accounts.key")
	port := freePort(t)
	startServer(t, folder, server, "--etcd-servers="+etcd, "--bind-address=127.0.0.1", "--secure-port="+port, "--cert-dir="+folder,
		"--token-auth-file="+folder+"/tokens", "--authorization-mode=RBAC", "--service-cluster-ip-range=10.96.0.0/24",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file="+folder+"/accounts.key",
		"--service-account-signing-key-file="+folder+"/accounts.key")
	config := &rest.Config{
		Host: "https://127.0.0.1:" + port, BearerToken: token, TLSClientConfig: rest.TLSClientConfig{Insecure: true}, QPS: -1, // made by itself just now
	}
	client, err := kubernetes.NewForConfig(config)
	require.NoError(t, err)
	eventually(t, func(ctx context.Context) error {
		return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
	return config
}

// startServer starts a program that is ended with the test.
func startServer(t *testing.T, folder, program string, args ...string) {
	t.Helper()
	log, err := os.Create(filepath.Join(folder, filepath.Base(program)+".log"))
	require.NoError(t, err)
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if text, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("end of the output of %s:\n%s", program, text[max(0, len(text)-4000):])
		}
	})
}

// eventually waits until try returns no error.
func eventually(t *testing.T, try func(ctx context.Context) error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if err = try(t.Context()); err == nil {
			return
		}
	}
	require.NoError(t, err)
}

func writeKey(t *testing.T, file string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	require.NoError(t, os.WriteFile(file, text, 0o600))
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	address, ok := listener.Addr().(*net.TCPAddr)
	require.True(t, ok, fmt.Sprint(listener.Addr()))
	return strconv.Itoa(address.Port)
}
