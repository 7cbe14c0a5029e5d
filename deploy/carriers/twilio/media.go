package twilio

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// mediaPath is where the bytes of a media lie. As at Twilio the API redirects there, to a URL that needs no password.
const mediaPath = "/media-content/"

// MaxMedia bounds one picture, in bytes, and MaxPictures how many come with one message (Twilio's limits).
const (
	MaxMedia    = 5 << 20
	MaxPictures = 10
)

func (c *Carrier) listMedia(w http.ResponseWriter, r *http.Request) *problem {
	it, p := c.named(r)
	if p != nil {
		return p
	}
	list := []any{}
	for _, f := range it.Value.Media {
		if !f.Deleted {
			list = append(list, c.mediaResource(it.Value, f))
		}
	}
	respond(w, http.StatusOK, map[string]any{
		"media_list": list, "page": 0, "page_size": 50, "start": 0, "end": max(len(list)-1, 0),
		"uri": r.URL.RequestURI(), "first_page_uri": r.URL.RequestURI(), "next_page_uri": nil, "previous_page_uri": nil,
	})
	return nil
}

func media(m Message, sid string) (Media, bool) {
	i := slices.IndexFunc(m.Media, func(f Media) bool { return f.SID == sid && !f.Deleted })
	if i < 0 || sid == "" {
		return Media{}, false
	}
	return m.Media[i], true
}

func (c *Carrier) fetchMedia(w http.ResponseWriter, r *http.Request) *problem {
	it, p := c.named(r)
	if p != nil {
		return p
	}
	sid, isJSON := strings.CutSuffix(r.PathValue("media"), ".json")
	f, ok := media(it.Value, sid)
	switch {
	case !ok:
		return notFound(r.URL.Path)
	case isJSON:
		respond(w, http.StatusOK, c.mediaResource(it.Value, f))
	default:
		target := c.house.BaseURL + mediaPath + it.Value.SID + "/" + f.SID + "/" + c.mediaKey(it.Value.SID, f.SID)
		http.Redirect(w, r, target, http.StatusTemporaryRedirect)
	}
	return nil
}

func (c *Carrier) removeMedia(w http.ResponseWriter, r *http.Request) *problem {
	it, p := c.named(r)
	if p != nil {
		return p
	}
	sid := strings.TrimSuffix(r.PathValue("media"), ".json")
	if _, ok := media(it.Value, sid); !ok {
		return notFound(r.URL.Path)
	}
	c.messages.Change(it.Seq, func(m *Message) {
		m.Media = slices.Clone(m.Media)
		for i := range m.Media {
			m.Media[i].Deleted = m.Media[i].Deleted || m.Media[i].SID == sid
		}
	})
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (c *Carrier) mediaKey(message, sid string) string {
	h := hmac.New(sha256.New, []byte(c.cfg.AuthToken.Reveal()))
	h.Write([]byte(c.run + message + sid))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func (c *Carrier) mediaBytes(w http.ResponseWriter, r *http.Request) {
	it, _ := c.find(r.PathValue("sid"))
	f, ok := media(it.Value, r.PathValue("media"))
	if !ok || !hmac.Equal([]byte(r.PathValue("key")), []byte(c.mediaKey(it.Value.SID, f.SID))) {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", f.Type)
	w.Header().Set("Content-Length", strconv.Itoa(len(f.Data)))
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(f.Data) // a client that left is not our fault
}
