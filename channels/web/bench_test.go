package web

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
)

// BenchmarkIdle reports the memory of an idle chat after its hello, in bytes. The clients are bare sockets that
// share the process, so that the figure is a little too high.
func BenchmarkIdle(b *testing.B) {
	const n = 2000
	c := config()
	c.MaxPerHost = n
	_, url := open(b, newHouse(), c)
	addr := strings.TrimSuffix(strings.TrimPrefix(url, "ws://"), Path)
	for b.Loop() {
		before := memory()
		conns := make([]net.Conn, n)
		for i := range conns {
			conns[i] = bare(b, addr)
		}
		b.ReportMetric(float64(memory()-before)/n, "B/chat")
		for _, conn := range conns {
			conn.Close()
		}
	}
}

func memory() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// bare opens a chat by hand and keeps nothing but the socket.
func bare(b *testing.B, addr string) net.Conn {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", Path)
	r := bufio.NewReaderSize(conn, 512)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			b.Fatal(err)
		}
		if line == "\r\n" {
			break
		}
	}
	hello := `{"type":"hello","session":"","after":0}`
	frame := append([]byte{0x81, 0x80 | byte(len(hello)), 0, 0, 0, 0}, hello...)
	if _, err := conn.Write(frame); err != nil {
		b.Fatal(err)
	}
	var head [2]byte
	for i := range head {
		if head[i], err = r.ReadByte(); err != nil {
			b.Fatal(err)
		}
	}
	if head[1] > 125 {
		b.Fatal("welcome is long: ", binary.BigEndian.Uint16(head[:]))
	}
	if _, err := r.Discard(int(head[1])); err != nil {
		b.Fatal(err)
	}
	return conn
}
