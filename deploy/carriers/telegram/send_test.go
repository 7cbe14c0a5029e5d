package telegram_test

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"io"
	"net/http"
	"strings"
	"testing"

	"gatehouse/configs/secret"
	"gatehouse/deploy/carriers/telegram"

	tg "github.com/go-telegram-bot-api/telegram-bot-api/v5"
)

func TestGetMe(t *testing.T) {
	b := open(t)
	if b.bot.Self.UserName != "portlumen_bot" || b.bot.Self.ID != 700700 || !b.bot.Self.IsBot {
		t.Errorf("self: %+v", b.bot.Self)
	}
	for tok, code := range map[string]int{"700700:wrong-secret": 401, "nonsense": 404} {
		_, err := tg.NewBotAPIWithClient(tok, b.base+"/bot%s/%s", b.http)
		var e *tg.Error
		if !errors.As(err, &e) || e.Code != code {
			t.Errorf("%s: %v", tok, err)
		}
	}
	_, err := b.bot.MakeRequest("noSuchMethod", nil)
	var e *tg.Error
	if !errors.As(err, &e) || e.Code != 404 {
		t.Errorf("unknown method: %v", err)
	}
}

func TestSendAndPress(t *testing.T) {
	b := open(t)
	m := tg.NewMessage(chat, "Which day? عربي")
	m.ReplyMarkup = tg.NewInlineKeyboardMarkup(tg.NewInlineKeyboardRow(
		tg.NewInlineKeyboardButtonData("Thu", "day:1"), tg.NewInlineKeyboardButtonURL("Page", "https://portlumen.example/")))
	sent := must2(t)(b.bot.Send(m))
	if sent.MessageID == 0 || sent.Chat.ID != chat || sent.Text != "Which day? عربي" || sent.ReplyMarkup == nil {
		t.Fatalf("sent %+v", sent)
	}
	if err := b.Press(chat, 0, "day:9"); !errors.Is(err, telegram.ErrNoButton) {
		t.Errorf("pressed what is not there: %v", err)
	}
	if err := b.Press(chat, int64(sent.MessageID), "day:1"); err != nil {
		t.Fatal(err)
	}
	q := b.updates(t, 0, 0)[0].CallbackQuery
	if q == nil || q.Data != "day:1" || q.From.ID != chat || q.Message.MessageID != sent.MessageID {
		t.Fatalf("query %+v", q)
	}
	if _, err := b.bot.Request(tg.NewCallback(q.ID, "noted")); err != nil {
		t.Error(err)
	}
	if _, err := b.bot.Request(tg.NewCallback("77", "noted")); err == nil {
		t.Error("an unknown query was answered")
	}
	edit := tg.NewEditMessageReplyMarkup(chat, sent.MessageID, tg.InlineKeyboardMarkup{InlineKeyboard: [][]tg.InlineKeyboardButton{}})
	if _, err := b.bot.Send(edit); err != nil {
		t.Error(err)
	}
	if _, err := b.bot.Send(edit); err == nil || !strings.Contains(err.Error(), "message is not modified") {
		t.Errorf("the same edit again: %v", err)
	}
	if got := must2(t)(b.bot.Send(tg.NewEditMessageText(chat, sent.MessageID, "Thursday"))); got.Text != "Thursday" {
		t.Errorf("edited %+v", got)
	}
	e := b.Entries().Of(telegram.Key(chat), 0)[0].Value
	if e.Pressed != "day:1" || e.Toast != "noted" || e.Message.Markup != nil {
		t.Errorf("entry %+v", e)
	}
}

func TestReplyKeyboardContactAndLocation(t *testing.T) {
	b := open(t)
	m := tg.NewMessage(chat, "Who are you?")
	kb := tg.NewReplyKeyboard(tg.NewKeyboardButtonRow(tg.NewKeyboardButtonContact("Share my number"), tg.NewKeyboardButton("No")))
	kb.OneTimeKeyboard = true
	m.ReplyMarkup = kb
	must2(t)(b.bot.Send(m))
	shown := b.Keyboard(chat)
	if shown == nil || !shown.Rows[0][0].RequestContact || shown.Rows[0][1].Text != "No" {
		t.Fatalf("keyboard %+v", shown)
	}
	must(t, 0, ignore(b.ShareContact(chat, "")))
	if b.Keyboard(chat) != nil {
		t.Error("a one-time keyboard stays")
	}
	must(t, 0, ignore(b.ShareContact(chat, "+447700900999")))
	must(t, 0, ignore(b.ShareLocation(chat, 44.4, -30.2)))
	list := b.updates(t, 0, 0)
	own, other, where := list[0].Message, list[1].Message, list[2].Message
	if own.Contact.UserID != chat || own.Contact.PhoneNumber != b.Person(chat).Phone || other.Contact.UserID != 0 {
		t.Errorf("contacts %+v and %+v", own.Contact, other.Contact)
	}
	if where.Location.Latitude != 44.4 {
		t.Errorf("location %+v", where.Location)
	}
	must2(t)(b.bot.Send(m))
	gone := tg.NewMessage(chat, "Thanks")
	gone.ReplyMarkup = tg.NewRemoveKeyboard(false)
	must2(t)(b.bot.Send(gone))
	if b.Keyboard(chat) != nil {
		t.Error("a removed keyboard stays")
	}
}

func picture(w, h int) []byte {
	var out bytes.Buffer
	_ = png.Encode(&out, image.NewRGBA(image.Rect(0, 0, w, h)))
	return out.Bytes()
}

func (b *bench) fetch(t *testing.T, id string) []byte {
	t.Helper()
	f, err := b.bot.GetFile(tg.FileConfig{FileID: id})
	if err != nil {
		t.Fatal(err)
	}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, b.base+"/file/bot"+token+"/"+f.FilePath, nil)
	res, err := b.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, _ := io.ReadAll(res.Body)
	if res.StatusCode != 200 || len(data) != f.FileSize {
		t.Fatalf("download: %d, %d bytes of %d", res.StatusCode, len(data), f.FileSize)
	}
	return data
}

func TestFilesBothWays(t *testing.T) {
	b := open(t)
	must(t, 0, ignore(b.SendPhoto(chat, picture(1600, 80), "the pole")))
	must(t, 0, ignore(b.SendDocument(chat, "../rows.csv", "text/csv", []byte("a;b\n"), "")))
	list := b.updates(t, 0, 0)
	sizes := list[0].Message.Photo
	if len(sizes) != 2 || sizes[0].Width != 320 || sizes[1].Width != 1280 || sizes[1].Height != 64 {
		t.Fatalf("sizes %+v", sizes)
	}
	if conf, kind, err := image.DecodeConfig(bytes.NewReader(b.fetch(t, sizes[1].FileID))); err != nil || kind != "jpeg" || conf.Width != 1280 {
		t.Errorf("photo %v %s %v", conf, kind, err)
	}
	doc := list[1].Message.Document
	if doc.FileName != "rows.csv" || doc.MimeType != "text/csv" || string(b.fetch(t, doc.FileID)) != "a;b\n" {
		t.Errorf("document %+v", doc)
	}

	sent := must2(t)(b.bot.Send(tg.NewDocument(chat, tg.FileBytes{Name: "decision.pdf", Bytes: []byte("%PDF-1.7")})))
	if sent.Document == nil || sent.Document.FileSize != 8 || string(b.fetch(t, sent.Document.FileID)) != "%PDF-1.7" {
		t.Errorf("sent %+v", sent.Document)
	}
	again := must2(t)(b.bot.Send(tg.NewDocument(chat, tg.FileID(sent.Document.FileID))))
	if again.Document.FileName != "decision.pdf" {
		t.Errorf("sent by id %+v", again.Document)
	}
	p := tg.NewPhoto(chat, tg.FileBytes{Name: "map.png", Bytes: picture(10, 10)})
	p.Caption = "map"
	if got := must2(t)(b.bot.Send(p)); len(got.Photo) != 1 || got.Caption != "map" {
		t.Errorf("photo %+v", got)
	}
	for name, bad := range map[string]tg.Chattable{
		"no picture":   tg.NewPhoto(chat, tg.FileBytes{Name: "x.png", Bytes: []byte("no picture")}),
		"empty":        tg.NewDocument(chat, tg.FileBytes{Name: "x", Bytes: nil}),
		"unknown file": tg.NewDocument(chat, tg.FileID("AgACnone")),
	} {
		if _, err := b.bot.Send(bad); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	for _, path := range []string{"documents/file_1_0.csv", "photos/file_99_0.jpg", "../x"} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, b.base+"/file/bot"+token+"/"+path, nil)
		res, err := b.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
}

func TestRefusals(t *testing.T) {
	b := open(t)
	long := tg.NewMessage(chat, strings.Repeat("é", 4097))
	button := tg.NewMessage(chat, "x")
	button.ReplyMarkup = tg.NewInlineKeyboardMarkup(tg.NewInlineKeyboardRow(tg.NewInlineKeyboardButtonData("x", strings.Repeat("d", 65))))
	markdown := tg.NewMessage(chat, "*x*")
	markdown.ParseMode = "MarkdownV2"
	broken := tg.NewMessage(chat, "<b>x")
	broken.ParseMode = "HTML"
	lost := tg.NewMessage(chat, "x")
	lost.ReplyToMessageID = 5
	tests := map[string]struct {
		m     tg.Chattable
		code  int
		text  string
		after int
	}{
		"empty":             {tg.NewMessage(chat, "  "), 400, "message text is empty", 0},
		"long":              {long, 400, "message is too long", 0},
		"group":             {tg.NewMessage(-5, "x"), 400, "chat not found", 0},
		"button":            {button, 400, "BUTTON_DATA_INVALID", 0},
		"parse mode":        {markdown, 400, "parse_mode", 0},
		"entities":          {broken, 400, "can't parse entities", 0},
		"reply":             {lost, 400, "message to be replied not found", 0},
		"edit":              {tg.NewEditMessageText(chat, 5, "x"), 400, "message to edit not found", 0},
		"magic throttled":   {tg.NewMessage(900900, "x"), 429, "Too Many Requests: retry after 1", 1},
		"magic invalid":     {tg.NewMessage(900901, "x"), 400, "chat not found", 0},
		"magic deactivated": {tg.NewMessage(900903, "x"), 403, "user is deactivated", 0},
		"magic temporary":   {tg.NewMessage(900904, "x"), 500, "Internal Server Error", 0},
		"magic blocked":     {tg.NewMessage(900909, "x"), 403, "bot was blocked by the user", 0},
		"magic token":       {tg.NewMessage(900911, "x"), 401, "Unauthorized", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := b.bot.Request(tt.m)
			var e *tg.Error
			if !errors.As(err, &e) || e.Code != tt.code || !strings.Contains(e.Message, tt.text) || e.RetryAfter != tt.after {
				t.Errorf("got %#v, want %d %q", err, tt.code, tt.text)
			}
		})
	}
	if got := b.Stats().Taken; got != 0 {
		t.Errorf("%d were taken", got)
	}
}

func TestHTMLText(t *testing.T) {
	b := open(t)
	m := tg.NewMessage(chat, `<b>Réf 😀</b> is <a href="https://portlumen.example/">here</a> &amp; <i>now</i>`)
	m.ParseMode = "HTML"
	sent := must2(t)(b.bot.Send(m))
	if sent.Text != "Réf 😀 is here & now" || len(sent.Entities) != 3 || sent.Entities[0].Length != 6 ||
		sent.Entities[1].Offset != 10 || sent.Entities[1].URL != "https://portlumen.example/" {
		t.Errorf("%q %+v", sent.Text, sent.Entities)
	}
}

func TestAmbiguousCases(t *testing.T) {
	b := open(t)
	for id, taken := range map[int64]int{900906: 1, 900914: 0, 900915: 0} {
		_, err := b.bot.Send(tg.NewMessage(id, "x"))
		var e *tg.Error
		if err == nil || errors.As(err, &e) {
			t.Errorf("%d answered: %v", id, err)
		}
		if got := len(b.Entries().Of(telegram.Key(id), 0)); got != taken {
			t.Errorf("%d: %d taken, want %d", id, got, taken)
		}
		if _, err := b.bot.Send(tg.NewMessage(id, "x")); err != nil {
			t.Errorf("%d the second time: %v", id, err)
		}
	}
}

func TestBlock(t *testing.T) {
	b := open(t)
	b.Block(chat, true)
	var e *tg.Error
	if _, err := b.bot.Send(tg.NewMessage(chat, "x")); !errors.As(err, &e) || e.Code != 403 {
		t.Errorf("blocked: %v", err)
	}
	b.Block(chat, false)
	must2(t)(b.bot.Send(tg.NewMessage(chat, "x")))
	list := b.updates(t, 0, 0)
	if len(list) != 2 || list[0].MyChatMember.NewChatMember.Status != "kicked" || list[1].MyChatMember.NewChatMember.Status != "member" {
		t.Errorf("updates %+v", list)
	}
}

func TestJSONRequest(t *testing.T) {
	b := open(t)
	body := `{"chat_id":1001,"text":"by JSON","reply_markup":{"inline_keyboard":[[{"text":"a","callback_data":"b"}]]}}`
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, b.base+"/bot"+token+"/sendmessage", strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	res, err := b.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	e, _ := b.Entries().Last("1001")
	if res.StatusCode != 200 || e.Value.Message.Text != "by JSON" || e.Value.Message.Markup == nil {
		t.Errorf("%d %+v", res.StatusCode, e)
	}
}

func TestPersonRefuses(t *testing.T) {
	b := open(t)
	for name, err := range map[string]error{
		"empty":    ignore(b.Say(chat, " ")),
		"group":    ignore(b.Say(-1, "x")),
		"location": ignore(b.ShareLocation(chat, 99, 0)),
		"photo":    ignore(b.SendPhoto(chat, []byte("x"), "")),
		"document": ignore(b.SendDocument(chat, "x", "", nil, "")),
		"person":   b.SetPerson(telegram.Person{}),
		"token":    telegram.Config{Token: secret.New("x")}.Validate(),
	} {
		if err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
