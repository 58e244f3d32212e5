package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// The first bytes of WebSocket frames: https://www.rfc-editor.org/rfc/rfc6455#section-5.2.
const (
	textFrame = 0x81
	pingFrame = 0x89
	pongFrame = 0x8a
)

// crowdClient is the client's end of a WebSocket. One goroutine reads those of a crowd: a goroutine for each would take more of the machine, which
// the clients share with the server, than the server does.
type crowdClient struct {
	fd       int
	rest     []byte // the beginning of a message
	received int64  // version
}

// openCrowdClient connects and subscribes.
func openCrowdClient(of side) (*crowdClient, error) {
	target, err := url.Parse(of.url)
	if err != nil {
		return nil, fmt.Errorf("connect a client: %w", err)
	}
	address, err := netip.ParseAddrPort(target.Host)
	if err != nil {
		return nil, fmt.Errorf("connect a client: %w", err)
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("connect a client: %w", err)
	}
	w := &crowdClient{fd: fd}
	const patience = 30
	err = errors.Join(
		syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &syscall.Timeval{Sec: patience}),
		syscall.Connect(fd, &syscall.SockaddrInet4{Port: int(address.Port()), Addr: address.Addr().As4()}),
	)
	if err == nil {
		err = w.subscribe(of, target)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connect a client: %w", err), syscall.Close(fd))
	}
	return w, nil
}

func (w *crowdClient) subscribe(of side, target *url.URL) error {
	handshake := "GET " + target.Path + " HTTP/1.1\r\nHost: " + target.Host + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
	if of.subprotocol != "" {
		handshake += "Sec-WebSocket-Protocol: " + of.subprotocol + "\r\n"
	}
	if err := writeAll(w.fd, []byte(handshake+"\r\n")); err != nil {
		return err
	}
	end := []byte("\r\n\r\n")
	if err := w.readUntil(func() bool { return bytes.Contains(w.rest, end) }); err != nil {
		return err
	}
	head, rest, _ := bytes.Cut(w.rest, end)
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 101 ")) {
		return fmt.Errorf("the server refused: %.200s", head)
	}
	w.rest = bytes.Clone(rest)
	for _, message := range of.greeting {
		if err := w.send(textFrame, []byte(message)); err != nil {
			return err
		}
		received := false // the acknowledgement, or the state now
		if err := w.readUntil(func() bool {
			w.takeFrames(func(*crowdClient, []byte) { received = true })
			return received
		}); err != nil {
			return err
		}
	}
	return nil
}

func (w *crowdClient) readUntil(done func() bool) error {
	part := make([]byte, 4<<10)
	for !done() {
		n, err := syscall.Read(w.fd, part)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		if n == 0 {
			return errors.New("the server closed the connection")
		}
		w.rest = append(w.rest, part[:n]...)
	}
	return nil
}

// takeFrames passes the messages in rest on, and responds to pings.
func (w *crowdClient) takeFrames(receive func(*crowdClient, []byte)) {
	for {
		first, data, length := cutFrame(w.rest)
		if length == 0 {
			return
		}
		switch first {
		case textFrame:
			receive(w, data)
		case pingFrame:
			_ = w.send(pongFrame, data)
		}
		if w.rest = w.rest[length:]; len(w.rest) == 0 {
			w.rest = nil
		}
	}
}

// cutFrame returns the first frame of a server, and its length, 0 if it is not complete.
func cutFrame(b []byte) (first byte, data []byte, length int) {
	const short, long, longer = 2, 4, 10
	if len(b) < short {
		return 0, nil, 0
	}
	header, payload := short, int(b[1])
	switch {
	case b[1] == 126 && len(b) >= long:
		header, payload = long, int(binary.BigEndian.Uint16(b[2:]))
	case b[1] == 127 && len(b) >= longer:
		header, payload = longer, int(binary.BigEndian.Uint64(b[2:])) //nolint:gosec // the server is ours
	case b[1] >= 126:
		return 0, nil, 0
	}
	if len(b) < header+payload {
		return 0, nil, 0
	}
	return b[0], b[header : header+payload], header + payload
}

// send writes a frame. Clients mask theirs, here with zeros.
func (w *crowdClient) send(first byte, data []byte) error {
	const masked = 0x80
	frame := []byte{first}
	if len(data) < 126 {
		frame = append(frame, masked|byte(len(data))) //nolint:gosec,nolintlint // see above
	} else {
		frame = binary.BigEndian.AppendUint16(append(frame, masked|126), uint16(len(data))) //nolint:gosec // ours are short
	}
	return writeAll(w.fd, append(append(frame, 0, 0, 0, 0), data...))
}

func writeAll(fd int, data []byte) error {
	for len(data) > 0 {
		n, err := syscall.Write(fd, data)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return fmt.Errorf("write: %w", err)
		}
		data = data[max(n, 0):]
	}
	return nil
}

// pollCrowd returns an epoll descriptor of all of them.
func pollCrowd(all []*crowdClient) (poll int, err error) {
	poll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	for i, w := range all {
		if err == nil {
			err = syscall.SetNonblock(w.fd, true)
		}
		if err == nil {
			err = syscall.EpollCtl(poll, syscall.EPOLL_CTL_ADD, w.fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(i)}) //nolint:gosec,nolintlint // an index
		}
	}
	if err != nil {
		return poll, fmt.Errorf("wait for clients: %w", err)
	}
	return poll, nil
}

// readCrowd reads what arrives until ctx ends. It sleeps a little each time, so that the server does not have to wake it for each message, which
// a network would not do either.
func readCrowd(ctx context.Context, poll int, all []*crowdClient, receive func(*crowdClient, []byte)) {
	const turn, nap, most = 100 * time.Millisecond, time.Millisecond, 1_024
	events, part := make([]syscall.EpollEvent, most), make([]byte, 64<<10)
	for ; ctx.Err() == nil; time.Sleep(nap) {
		n, _ := syscall.EpollWait(poll, events, int(turn.Milliseconds()))
		for _, event := range events[:max(n, 0)] {
			w := all[event.Fd]
			n, err := syscall.Read(w.fd, part)
			if n <= 0 {
				if !errors.Is(err, syscall.EAGAIN) && !errors.Is(err, syscall.EINTR) {
					_ = syscall.EpollCtl(poll, syscall.EPOLL_CTL_DEL, w.fd, nil) // closed
				}
				continue
			}
			if len(w.rest) == 0 {
				w.rest = part[:n]
			} else {
				w.rest = append(w.rest, part[:n]...)
			}
			w.takeFrames(receive)
			w.rest = bytes.Clone(w.rest) // nil if it is empty
		}
	}
}
