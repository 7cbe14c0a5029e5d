package carriers

import (
	"context"
	"fmt"
	"net"
)

// sockets are all that the stand-ins listen on.
type sockets struct {
	web, mail, names net.Listener
	packets          net.PacketConn
}

func listen(ctx context.Context, cfg Config) (*sockets, error) {
	s := &sockets{}
	var lc net.ListenConfig
	for _, one := range []struct {
		setting, addr string
		into          *net.Listener
	}{
		{"listen (CARRIERS_LISTEN)", cfg.Listen, &s.web},
		{"mailbox_listen (MAILBOX_LISTEN)", cfg.MailboxListen, &s.mail},
	} {
		l, err := lc.Listen(ctx, "tcp", one.addr)
		if err != nil {
			s.close()
			return nil, fmt.Errorf("%s: %w; another address would be right", one.setting, err)
		}
		*one.into = l
	}
	if err := s.listenNames(ctx, cfg.DNSListen); err != nil {
		s.close()
		return nil, fmt.Errorf("dns_listen (DNS_LISTEN): %w; another address would be right", err)
	}
	return s, nil
}

// listenNames binds one port on TCP and UDP; when the system chooses the port, the other half may be taken, so it
// tries a few.
func (s *sockets) listenNames(ctx context.Context, addr string) (err error) {
	var lc net.ListenConfig
	for range 10 {
		if s.names, err = lc.Listen(ctx, "tcp", addr); err != nil {
			return err
		}
		if s.packets, err = lc.ListenPacket(ctx, "udp", s.names.Addr().String()); err == nil {
			return nil
		}
		s.names.Close()
		s.names = nil
	}
	return err
}

func (s *sockets) addresses() map[string]string {
	return map[string]string{
		"carriers": s.web.Addr().String(), "mailbox": s.mail.Addr().String(), "dns": s.names.Addr().String(),
	}
}

func (s *sockets) close() {
	for _, l := range []net.Listener{s.web, s.mail, s.names} {
		if l != nil {
			l.Close()
		}
	}
	if s.packets != nil {
		s.packets.Close()
	}
}
