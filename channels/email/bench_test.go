package email

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"

	"gatehouse/channels"
)

// BenchmarkReceive takes 4 kB mails in over kept connections, without storing them.
func BenchmarkReceive(b *testing.B) {
	var in nowhere
	c := testConfig(b)
	c.MaxPerHost = 1000
	_, addr, _ := serve(b, c, &in)
	body := "From: a@example.net\r\nSubject: x\r\nMessage-ID: <%d@example.net>\r\n\r\n" + strings.Repeat("forty characters of a citizen's words..\r\n", 100) + ".\r\n"
	b.SetParallelism(8)
	b.RunParallel(func(p *testing.PB) {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			b.Error(err)
			return
		}
		defer conn.Close()
		r := bufio.NewReader(conn)
		say := func(s string, lines int) {
			if _, err := conn.Write([]byte(s)); err != nil {
				b.Error(err)
			}
			for range lines {
				for {
					line, err := r.ReadString('\n')
					if err != nil {
						b.Error(err)
						return
					}
					if line[0] != '2' && line[0] != '3' {
						b.Error(line)
					}
					if line[3] == ' ' {
						break
					}
				}
			}
		}
		say("EHLO x\r\n", 2)
		for i := 0; p.Next(); i++ {
			say("MAIL FROM:<a@example.net>\r\n", 1)
			say("RCPT TO:<help@city.example>\r\n", 1)
			say("DATA\r\n", 1)
			say(fmt.Sprintf(body, i), 1)
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
}

// BenchmarkSend sends 4 kB mails to a sink.
func BenchmarkSend(b *testing.B) {
	s := newSink(b)
	ch := sending(b, s, nil)
	m := reply()
	m.Text = strings.Repeat("forty characters of a citizen's words..\n", 100)
	b.SetParallelism(8)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if _, err := ch.Send(b.Context(), m); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
}

// nowhere takes everything and keeps nothing.
type nowhere struct{}

func (nowhere) Accept(context.Context, channels.Message) error { return nil }
func (nowhere) Report(context.Context, channels.Receipt) error { return nil }
