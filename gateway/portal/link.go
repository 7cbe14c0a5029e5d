package portal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// linkLife is how long a tracking link opens its case.
const linkLife = 120 * 24 * time.Hour

// macChars is the length of a link's MAC: 16 letters of base 32 are 80 bits.
const macChars = 16

func (l Links) mac(purpose, text string) string {
	h := hmac.New(sha256.New, []byte(l.Key.Reveal()))
	h.Write([]byte(purpose + "\x00" + text))
	return strings.ToLower(base32.StdEncoding.EncodeToString(h.Sum(nil)))[:macChars]
}

// Track gives the link that shows one case to whoever holds it.
func (l Links) Track(reference string) string {
	return l.PublicURL + "/track/" + reference + "?t=" + l.token("track", reference, l.Now().Add(linkLife))
}

// paperLife is how long the link of a document brings it without any other proof.
const paperLife = 90 * 24 * time.Hour

// Paper gives the link that brings the n-th document of a case, from 1, to whoever holds it, and the day it ends.
func (l Links) Paper(reference string, n int) (url string, until time.Time) {
	until = l.Now().Add(paperLife)
	return fmt.Sprintf("%s%s?t=%s", l.PublicURL, paperPath(reference, n), l.token("document", paperSubject(reference, n), until)), until
}

func paperPath(reference string, n int) string { return fmt.Sprintf("/documents/%s/%d", reference, n) }

func paperSubject(reference string, n int) string { return fmt.Sprintf("%s\x00%d", reference, n) }

// token is the day on which it ends and the MAC over purpose, subject and that day.
func (l Links) token(purpose, subject string, until time.Time) string {
	day := strconv.FormatInt(until.Unix()/86400, 36)
	return day + "." + l.mac(purpose, subject+"\x00"+day)
}

// proves tells whether token was made for purpose and subject and has not ended.
func (l Links) proves(purpose, subject, token string) bool {
	day, mac, ok := strings.Cut(token, ".")
	end, err := strconv.ParseInt(day, 36, 64)
	if !ok || err != nil || l.Now().Unix()/86400 > end {
		return false
	}
	return hmac.Equal([]byte(mac), []byte(l.mac(purpose, subject+"\x00"+day)))
}

// formToken names one rendered form, so that it files once however often it is sent.
func (l Links) formToken(code, id string, now time.Time) string {
	return id + "." + l.token("form", code+"\x00"+id, now.Add(7*24*time.Hour))
}

// formID gives the id of a form token that we made for the service.
func (l Links) formID(code, token string) (string, bool) {
	id, rest, ok := strings.Cut(token, ".")
	return id, ok && len(token) <= 128 && l.proves("form", code+"\x00"+id, rest)
}
