package names

import (
	"strings"
	"time"

	"github.com/miekg/dns"
)

// ServeDNS answers one question.
func (s *Server) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	s.count.Add(1)
	select {
	case s.asked <- struct{}{}:
	default:
		return
	}
	defer func() { <-s.asked }()
	if len(q.Question) != 1 || q.Opcode != dns.OpcodeQuery {
		s.send(w, q, (&dns.Msg{}).SetRcode(q, dns.RcodeNotImplemented))
		return
	}
	name := strings.ToLower(q.Question[0].Name)
	switch strings.TrimSuffix(name, ".") {
	case Silent:
		return
	case Slow:
		if !s.pause(SlowFor) {
			return
		}
	case ServFail:
		s.send(w, q, (&dns.Msg{}).SetRcode(q, dns.RcodeServerFailure))
		return
	case Refused:
		s.send(w, q, (&dns.Msg{}).SetRcode(q, dns.RcodeRefused))
		return
	}
	s.send(w, q, s.answer(q, name))
}

func (s *Server) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.done:
		return false
	}
}

// answer holds the records asked for; or none, when the name has others; or says that the name does not exist. The
// last two carry the zone's SOA (RFC 2308).
func (s *Server) answer(q *dns.Msg, name string) *dns.Msg {
	m := (&dns.Msg{}).SetReply(q)
	m.Authoritative = true
	all, exists := s.records[name]
	for _, rr := range all {
		if t := q.Question[0].Qtype; t == dns.TypeANY || rr.Header().Rrtype == t {
			m.Answer = append(m.Answer, rr)
		}
	}
	if len(m.Answer) > 0 {
		return m
	}
	if !exists && !s.above(name) {
		m.Rcode = dns.RcodeNameError
	}
	m.Ns = s.soa(name)
	return m
}

// above tells whether a longer name exists, which makes this one an empty one (RFC 8020).
func (s *Server) above(name string) bool {
	for n := range s.records {
		if strings.HasSuffix(n, "."+name) {
			return true
		}
	}
	return false
}

func (s *Server) soa(name string) []dns.RR {
	for i, end := 0, false; !end; i, end = dns.NextLabel(name, i) {
		for _, rr := range s.records[name[i:]] {
			if rr.Header().Rrtype == dns.TypeSOA {
				return []dns.RR{rr}
			}
		}
	}
	return nil
}

// send fits the answer into what the client takes over UDP (RFC 6891 §6.2.5), or marks it as cut.
func (s *Server) send(w dns.ResponseWriter, q, m *dns.Msg) {
	size := dns.MinMsgSize
	if opt := q.IsEdns0(); opt != nil {
		size = min(max(int(opt.UDPSize()), dns.MinMsgSize), 1232)
		m.SetEdns0(1232, false)
	}
	if w.RemoteAddr().Network() == "udp" {
		m.Truncate(size)
	}
	if err := w.WriteMsg(m); err != nil {
		s.log.Debug("answer was not sent", "err", err)
	}
}
