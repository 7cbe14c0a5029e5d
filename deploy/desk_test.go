package deploy

import (
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"gatehouse/adapters/console"
)

// clerk is a member of staff at a browser.
type clerk struct {
	t    *testing.T
	base string
	http *http.Client
	at   string // the path of the last page
}

// login opens a session at the console as name.
func login(t *testing.T, base, name string) *clerk {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &clerk{t: t, base: base, http: &http.Client{Jar: jar}}
	page := c.get("/login")
	page = c.post("/login", url.Values{"token": {hidden(page, "token")}, "name": {name}, "password": {console.DemoPassword}})
	if strings.Contains(page, `name="password"`) {
		t.Fatalf("%s can't log in", name)
	}
	return c
}

func (c *clerk) get(path string) string {
	c.t.Helper()
	return c.do(http.MethodGet, path, nil)
}

func (c *clerk) post(path string, form url.Values) string {
	c.t.Helper()
	return c.do(http.MethodPost, path, form)
}

func (c *clerk) do(method, path string, form url.Values) string {
	c.t.Helper()
	status, body, err := c.try(method, path, form)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	if status >= 400 {
		c.t.Fatalf("%s %s: %d\n%s", method, path, status, plain(body))
	}
	return body
}

func (c *clerk) try(method, path string, form url.Values) (int, string, error) {
	req, err := http.NewRequestWithContext(context.Background(), method, c.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, "", err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r, err := c.http.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer r.Body.Close()
	c.at = r.Request.URL.Path
	b, err := io.ReadAll(r.Body)
	return r.StatusCode, string(b), err
}

// hidden gives the value of a hidden input.
func hidden(page, name string) string {
	m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(page)
	if m == nil {
		return ""
	}
	return html.UnescapeString(m[1])
}

var tags = regexp.MustCompile(`(?s)<(script|style|svg).*?</(script|style|svg)>|<[^>]*>`)

// plain is a page's text alone, for messages.
func plain(page string) string {
	return strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(page, " "))), " ")
}

// find gives the address of the case with a reference; empty: it is not on the desk yet.
func (c *clerk) find(reference string) string {
	c.t.Helper()
	r, err := c.http.Get(c.base + "/?q=" + url.QueryEscape(reference))
	if err != nil {
		return ""
	}
	defer r.Body.Close()
	if strings.HasPrefix(r.Request.URL.Path, "/cases/") {
		return r.Request.URL.Path
	}
	return ""
}

// queue counts how often each reference stands on the desk, open and closed, over all pages.
func (c *clerk) queue() map[string]int {
	c.t.Helper()
	rows := map[string]string{} // case address → reference
	for _, view := range []string{"all", "closed"} {
		for skip := 0; ; skip += 30 {
			page := c.get(fmt.Sprintf("/?view=%s&skip=%d", view, skip))
			found := caseRow.FindAllStringSubmatch(page, -1)
			for _, m := range found {
				rows[m[1]] = m[2]
			}
			if len(found) == 0 {
				break
			}
		}
	}
	all := map[string]int{}
	for _, ref := range rows {
		all[ref]++
	}
	return all
}

var caseRow = regexp.MustCompile(`(?s)href="(/cases/[A-Za-z0-9]+)"[^>]*>(?:\s|<[^>]*>)*(PL-[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9]{2})`)

// decide claims a case and decides it with a public reason.
func (c *clerk) decide(link, decision, reason string) {
	c.t.Helper()
	page := c.get(link)
	c.post(link+"/claim", url.Values{"token": {hidden(page, "token")}})
	page = c.get(link)
	c.post(link+"/tell", url.Values{"token": {hidden(page, "token")}, "id": {hidden(page, "id")}, "form": {"decide"},
		"decision": {decision}, "reason": {reason}, "releasable": {"yes"}})
}

// publish changes the English text of an answer for SMS, as author and second person.
func publish(t *testing.T, base, name, text string) {
	t.Helper()
	author := login(t, base, "paulo")
	page := author.get("/answers/" + name + "/edit")
	form := fields(page)
	form.Set("sms-en", text)
	form.Set("act", "propose")
	form.Set("why", "the fee has changed")
	page = author.post("/answers/"+name+"/edit", form)
	m := author.at
	if !strings.HasPrefix(m, "/drafts/") {
		t.Fatalf("no draft was proposed: %s", plain(page))
	}
	second := login(t, base, "vera")
	page = second.get(m)
	second.post(m+"/publish", url.Values{"token": {hidden(page, "token")}, "releasable": {"yes"}})
}

var (
	inputs    = regexp.MustCompile(`<input[^>]*>`)
	areas     = regexp.MustCompile(`(?s)<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>`)
	selects   = regexp.MustCompile(`(?s)<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>`)
	selected  = regexp.MustCompile(`<option value="([^"]*)"[^>]*selected`)
	attribute = func(tag, name string) string {
		m := regexp.MustCompile(fmt.Sprintf(`\b%s="([^"]*)"`, name)).FindStringSubmatch(tag)
		if m == nil {
			return ""
		}
		return html.UnescapeString(m[1])
	}
)

// fields reads what a browser would send for the page's forms as they stand.
func fields(page string) url.Values {
	all := url.Values{}
	for _, tag := range inputs.FindAllString(page, -1) {
		kind := attribute(tag, "type")
		if (kind == "radio" || kind == "checkbox") && !strings.Contains(tag, "checked") {
			continue
		}
		if name := attribute(tag, "name"); name != "" {
			all.Set(name, attribute(tag, "value"))
		}
	}
	for _, m := range areas.FindAllStringSubmatch(page, -1) {
		all.Set(m[1], strings.TrimPrefix(html.UnescapeString(m[2]), "\n"))
	}
	for _, m := range selects.FindAllStringSubmatch(page, -1) {
		if s := selected.FindStringSubmatch(m[2]); s != nil {
			all.Set(m[1], html.UnescapeString(s[1]))
		}
	}
	return all
}

// notify sends a short text to a list: one composes, another releases.
func notify(t *testing.T, base, list, text string) {
	t.Helper()
	author := login(t, base, "paulo")
	form := fields(author.get("/messages/new"))
	form.Set("list", list)
	form.Set("text-en", text)
	form.Set("act", "propose")
	author.post("/messages/new", form)
	second := login(t, base, "vera")
	second.release(second.held())
}

// held gives the address of the first thing that waits for this person's decision.
func (c *clerk) held() string {
	c.t.Helper()
	page := c.get("/held")
	m := heldItem.FindString(page)
	if m == "" {
		c.t.Fatalf("nothing waits for release: %s", plain(page))
	}
	return m
}

// release reads something held, and lets it leave.
func (c *clerk) release(item string) {
	c.t.Helper()
	page := c.get(item)
	if !strings.Contains(page, item+"/release") {
		c.t.Fatalf("it can't be released: %s", plain(page))
	}
	c.post(item+"/release", url.Values{"token": {hidden(page, "token")}})
}

var heldItem = regexp.MustCompile(`/held/[A-Z0-9]{26}`)
