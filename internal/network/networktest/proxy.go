// Package networktest puts TCP proxies between a part and the servers that it works with, to cut connections, to slow them down, or to take them
// away without a word: no FIN and no RST, as after a failover whose old host has vanished, behind a firewall that has dropped a connection, or with a proxy that hangs.
package networktest

import (
	"cmp"
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/network"
)

// Network is proxies for all addresses that are dialed through it.
type Network struct {
	t       testing.TB
	mu      sync.Mutex
	proxies map[string]*Proxy // by address
	routes  map[string]string // of addresses that are names of others
}

// New returns a network without connections. Everything ends with the test.
func New(t testing.TB) *Network {
	t.Helper()
	return &Network{t: t, proxies: map[string]*Proxy{}, routes: map[string]string{}}
}

// Route makes an address that need not exist lead to target, so that several servers behind one address can be distinguished.
func (n *Network) Route(address, target string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.routes[address] = target
}

// Dial connects to an address through its proxy.
func (n *Network) Dial(ctx context.Context, protocol, address string) (net.Conn, error) {
	proxy, err := n.proxyOf(address)
	if err != nil {
		return nil, err
	}
	return network.Dial(ctx, protocol, proxy.Address())
}

// Silence makes every connection to the address silent that exists, and returns how many there were. New ones work.
func (n *Network) Silence(address string) int {
	n.mu.Lock()
	proxy := n.proxies[address]
	n.mu.Unlock()
	if proxy == nil {
		return 0
	}
	return proxy.Silence()
}

// Hang makes all connections to the address silent, new ones too, until resume is called.
func (n *Network) Hang(address string) (resume func()) {
	n.t.Helper()
	proxy, err := n.proxyOf(address)
	require.NoError(n.t, err)
	proxy.Hang()
	return proxy.Resume
}

func (n *Network) proxyOf(address string) (*Proxy, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.proxies[address] == nil {
		proxy, err := startProxy(cmp.Or(n.routes[address], address))
		if err != nil {
			return nil, err
		}
		n.t.Cleanup(proxy.close)
		n.proxies[address] = proxy
	}
	return n.proxies[address], nil
}

// Proxy forwards connections to one address.
type Proxy struct {
	listener net.Listener
	done     chan struct{}
	delay    atomic.Int64 // nanoseconds that each piece of data waits

	mu      sync.Mutex
	target  string
	hanging bool // new connections are silent from their start
	links   map[*link]struct{}
}

// link is a connection through the proxy. It forwards while silent is open.
type link struct {
	near, far net.Conn // far is nil for a connection that was silent from its start
	silent    chan struct{}
	once      sync.Once
}

// NewProxy starts a proxy that ends with the test.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	p, err := startProxy(target)
	require.NoError(t, err)
	t.Cleanup(p.close)
	return p
}

func startProxy(target string) (*Proxy, error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{target: target, listener: listener, done: make(chan struct{}), links: map[*link]struct{}{}}
	go p.acceptAll()
	return p, nil
}

// Address returns where the proxy listens.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// Silence makes the existing connections silent, and returns how many that are.
func (p *Proxy) Silence() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	silenced := len(p.links)
	for l := range p.links {
		l.silence()
		delete(p.links, l)
		go func() { // keeps both sides open until the end
			<-p.done
			l.close()
		}()
	}
	return silenced
}

// Hang makes existing and new connections silent, as a server that hangs, until Resume.
func (p *Proxy) Hang() {
	p.setHanging(true)
	p.Silence()
}

// Cut closes the existing connections, and returns how many that are. New ones work.
func (p *Proxy) Cut() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.close()
	}
	return len(p.links)
}

// Redirect has new connections lead to another server, and closes the existing ones.
func (p *Proxy) Redirect(target string) {
	p.mu.Lock()
	p.target = target
	p.mu.Unlock()
	p.Cut()
}

// Slow delays each piece of data from now on, in both directions. 0 ends it.
func (p *Proxy) Slow(delay time.Duration) { p.delay.Store(int64(delay)) }

// Carries reports whether the connection that the server sees coming from this port goes through the proxy.
func (p *Proxy) Carries(port int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		if at, ok := l.far.LocalAddr().(*net.TCPAddr); ok && at.Port == port {
			return true
		}
	}
	return false
}

// Resume lets new connections work again.
func (p *Proxy) Resume() { p.setHanging(false) }

func (p *Proxy) setHanging(hanging bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hanging = hanging
}

func (p *Proxy) close() {
	close(p.done)
	_ = p.listener.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.close()
	}
}

func (p *Proxy) acceptAll() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.serve(near)
	}
}

func (p *Proxy) serve(near net.Conn) {
	p.mu.Lock()
	hanging, target := p.hanging, p.target
	p.mu.Unlock()
	if hanging {
		<-p.done
		_ = near.Close()
		return
	}
	far, err := new(net.Dialer).DialContext(context.Background(), "tcp", target)
	if err != nil {
		_ = near.Close()
		return
	}
	l := &link{near: near, far: far, silent: make(chan struct{})}
	p.mu.Lock()
	p.links[l] = struct{}{}
	p.mu.Unlock()
	var copying sync.WaitGroup
	copying.Go(func() { l.forward(far, near, &p.delay) })
	copying.Go(func() { l.forward(near, far, &p.delay) })
	copying.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}

// forward copies until one side closes, or until the link is silent: then it stops without closing anything.
func (l *link) forward(to, from net.Conn, delay *atomic.Int64) {
	_, _ = io.Copy(&gate{to, l.silent, delay}, from)
	select {
	case <-l.silent:
	default:
		l.close()
	}
}

func (l *link) silence() { l.once.Do(func() { close(l.silent) }) }

func (l *link) close() {
	_ = l.near.Close()
	if l.far != nil {
		_ = l.far.Close()
	}
}

// gate writes until it is closed.
type gate struct {
	to     io.Writer
	closed chan struct{}
	delay  *atomic.Int64
}

func (g *gate) Write(p []byte) (int, error) {
	if d := g.delay.Load(); d > 0 {
		select {
		case <-time.After(time.Duration(d)):
		case <-g.closed:
		}
	}
	select {
	case <-g.closed:
		return 0, io.ErrClosedPipe
	default:
		return g.to.Write(p)
	}
}
