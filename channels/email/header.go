package email

import (
	"mime"
	"path"
	"strings"
	"unicode"

	"github.com/emersion/go-message/charset"
	"github.com/emersion/go-message/mail"
	"github.com/emersion/go-message/textproto"

	"gatehouse/channels"
)

const (
	// maxField bounds a header field that is looked into, in bytes; a longer one counts as missing.
	maxField = 4 << 10
	// maxSubject and maxName bound a subject and a file's name, in characters.
	maxSubject = 300
	maxName    = 120
	// maxReferences bounds Thread.References (the last ones stay), maxMessageID each id in bytes.
	maxReferences = 20
	maxMessageID  = 250
)

// field is a header field, or empty when it is missing or too long.
func field(h textproto.Header, key string) string {
	v := h.Get(key)
	if len(v) > maxField {
		return ""
	}
	return v
}

// decoded undoes RFC 2047 in a header field and makes it one clean line of at most n characters.
func decoded(s string, n int) string {
	d := mime.WordDecoder{CharsetReader: charset.Reader}
	if w, err := d.DecodeHeader(s); err == nil {
		s = w
	}
	return oneLine(words("", []byte(s)), n)
}

func oneLine(s string, n int) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unseen(r) }), " ")
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// sender is the first mailbox of the From field, else the envelope's sender; empty when neither can be answered.
func sender(h textproto.Header, envelope string) string {
	if from := field(h, "From"); from != "" {
		list, err := mail.ParseAddressList(from)
		if err != nil {
			list = []*mail.Address{{Address: bracketed(from)}}
		}
		for _, a := range list {
			if p := person(a.Address); p != "" {
				return p
			}
		}
	}
	return person(envelope)
}

// bracketed is what stands in the first angle brackets of a From field that breaks the rules, or all of it.
func bracketed(s string) string {
	if _, rest, ok := strings.Cut(s, "<"); ok {
		s, _, _ = strings.Cut(rest, ">")
	}
	return strings.TrimSpace(s)
}

// thread reads what ties a mail to its conversation.
func thread(h textproto.Header) channels.Thread {
	t := channels.Thread{References: messageIDs(field(h, "References"))}
	if ids := messageIDs(field(h, "Message-Id")); len(ids) > 0 {
		t.MessageID = ids[0]
	}
	if ids := messageIDs(field(h, "In-Reply-To")); len(ids) > 0 {
		t.InReplyTo = ids[0]
	}
	if n := len(t.References); n > maxReferences {
		t.References = t.References[n-maxReferences:]
	}
	return t
}

// messageIDs finds what stands in angle brackets and can stand in a header of ours.
func messageIDs(s string) []string {
	var ids []string
	for {
		_, rest, open := strings.Cut(s, "<")
		id, after, shut := strings.Cut(rest, ">")
		if !open || !shut {
			return ids
		}
		if goodID(id) {
			ids = append(ids, id)
		}
		s = after
	}
}

func goodID(id string) bool {
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' || id[i] == '<' || id[i] == '>' {
			return false
		}
	}
	return id != "" && len(id) <= maxMessageID
}

// robot tells whether a machine wrote this mail or asks for silence (RFC 3834 and the usual older signs). It is
// recorded, never answered.
func (b book) robot(h textproto.Header, envelope, from string) bool {
	auto, _, _ := strings.Cut(strings.ToLower(h.Get("Auto-Submitted")), ";")
	if auto = strings.TrimSpace(auto); auto != "" && auto != "no" {
		return true
	}
	switch strings.ToLower(strings.TrimSpace(h.Get("Precedence"))) {
	case "bulk", "list", "junk", "auto_reply", "auto-reply":
		return true
	}
	if silence := strings.TrimSpace(h.Get("X-Auto-Response-Suppress")); silence != "" && !strings.EqualFold(silence, "none") {
		return true
	}
	return h.Has("List-Id") || b.looped(h) || envelope == "" || b.machine(envelope) || b.machine(from)
}

// looped tells whether we wrote this mail ourselves and somebody sent it back.
func (b book) looped(h textproto.Header) bool {
	for _, v := range h.Values("X-Loop") {
		if strings.EqualFold(strings.TrimSpace(v), b.help()) {
			return true
		}
	}
	return false
}

// machine tells whether an address is a mail system's, or our own.
func (b book) machine(address string) bool {
	local, domain, _ := cutAddress(address)
	return strings.EqualFold(local, "mailer-daemon") || asciiDomain(domain) == b.domain
}

// kind is a part's media type in lower case with its parameters; what can't be read is plain bytes.
func kind(h textproto.Header) (string, map[string]string) {
	v := field(h, "Content-Type")
	if v == "" && !h.Has("Content-Type") {
		return "text/plain", nil
	}
	t, params, err := mime.ParseMediaType(v)
	if top, sub, ok := strings.Cut(t, "/"); ok && plainType(top) && plainType(sub) {
		if err != nil {
			params = loose(v)
		}
		return t, params
	}
	if t, _, _ := strings.Cut(strings.ToLower(v), ";"); strings.TrimSpace(t) == "text/plain" || strings.TrimSpace(t) == "text/html" {
		return strings.TrimSpace(t), nil
	}
	return "application/octet-stream", loose(v)
}

func plainType(s string) bool {
	return s != "" && len(s) <= 100 && !strings.ContainsFunc(s, func(r rune) bool {
		return r > '~' || (!letterOrDigit(byte(r)) && !strings.ContainsRune("!#$&-^_.+", r))
	})
}

// disposition is a part's Content-Disposition.
func disposition(h textproto.Header) (string, map[string]string) {
	v := field(h, "Content-Disposition")
	if d, params, err := mime.ParseMediaType(v); err == nil {
		return d, params
	}
	d, _, _ := strings.Cut(v, ";")
	return strings.ToLower(strings.TrimSpace(d)), loose(v)
}

// loose reads the name of a file from a field that breaks the rules, such as one with unquoted spaces.
func loose(v string) map[string]string {
	for _, key := range []string{"filename=", "name="} {
		if i := strings.Index(strings.ToLower(v), key); i >= 0 {
			name, _, _ := strings.Cut(v[i+len(key):], ";")
			name = strings.Trim(strings.TrimSpace(name), `"`)
			return map[string]string{strings.TrimSuffix(key, "="): name}
		}
	}
	return nil
}

// fileName makes a name that is safe to store and to show: no path, no control or direction characters, no leading
// dot. Empty when the part names none.
func fileName(disposition, kind map[string]string) string {
	name := disposition["filename"]
	if name == "" {
		name = kind["name"]
	}
	name = decoded(name, 10*maxName)
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`<>:"|?*`, r) {
			return '_'
		}
		return r
	}, name)
	name = strings.TrimSpace(strings.TrimLeft(name, ". "))
	if r := []rune(name); len(r) > maxName {
		ext := []rune(path.Ext(name))
		if len(ext) > 16 {
			ext = nil
		}
		name = string(r[:maxName-len(ext)]) + string(ext)
	}
	return name
}
