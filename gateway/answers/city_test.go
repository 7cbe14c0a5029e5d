package answers_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	source "gatehouse/configs/answers"
	"gatehouse/configs/city"
	"gatehouse/gateway/answers"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// cityPages are the public pages of the demo city.
func cityPages(t testing.TB) []answers.Page {
	t.Helper()
	list, err := source.LoadFS(city.Answers(), "answers")
	if err != nil {
		t.Fatal(err)
	}
	var out []answers.Page
	for _, p := range list {
		if p.Public() {
			out = append(out, answers.Page{ID: p.ID, Lang: p.Lang, Title: p.Title, Asks: p.Asks, SMS: p.SMS, Chat: p.Chat,
				Body: p.Page, URL: p.Source, Service: p.Service, Owner: p.Owner})
		}
	}
	return out
}

func TestTheFirstTranscript(t *testing.T) {
	x := answers.New(cityPages(t))
	sofa := "how do i get rid of an old sofa"
	r := x.Find(answers.Query{Text: sofa, Lang: "en", Now: noon})
	if !r.Confident || r.Hits[0].ID != "bulky-waste" {
		t.Errorf("%s: %+v", sofa, r)
	}
	bay := "my neighbour parks in the disabled bay is that a fine"
	r = x.Find(answers.Query{Text: bay, Lang: "en", History: []string{sofa}, Now: noon})
	near := map[string]bool{}
	for _, h := range r.Hits {
		near[h.Title] = true
	}
	if r.Confident || !near["Parking fine"] || !near["Parking permit"] || !near["Disabled bay"] {
		t.Errorf("%s: confident %v, %v", bay, r.Confident, near)
	}
}

func TestHistoryHelpsAQuestionThatNeedsIt(t *testing.T) {
	x := answers.New(cityPages(t))
	alone := x.Find(answers.Query{Text: "how much does it cost", Lang: "en", Now: noon})
	if alone.Confident {
		t.Errorf("answered out of nothing: %+v", alone.Hits[0])
	}
	with := x.Find(answers.Query{Text: "how much does it cost", Lang: "en", History: []string{"I want a resident parking permit"}, Now: noon})
	if with.Hits[0].ID != "parking-permit" || !with.Signals.Recalled {
		t.Errorf("with history: %s", with.Hits[0].ID)
	}
	fresh := x.Find(answers.Query{Text: "when does the last tram leave", Lang: "en", History: []string{"I want a resident parking permit"}, Now: noon})
	if fresh.Hits[0].ID != "tram-times" || fresh.Signals.Recalled {
		t.Errorf("a new subject: %s", fresh.Hits[0].ID)
	}
}

// subjects and acts make pages of the kind a city has: every subject with every act, so that each page has
// neighbours that differ in one word.
var invented = map[string]struct {
	subjects, acts []string
	title, ask     string
	fact           string
}{
	"en": {
		strings.Fields("beehives allotments moorings busking scaffolding skips chimneys fences drones fireworks kiosks fountains playgrounds libraries museums cemeteries ponies rowing kayaks campsites archives orchards greenhouses hydrants lifeguards"),
		[]string{"Licence for", "Complaint about", "Hire of", "Rules on", "Grants towards"},
		"%[2]s %[1]s", "who decides on %[1]s and the %[2]s", "Ask the office in room %[3]d about %[1]s; it answers within %[4]d days.",
	},
	"fr": {
		strings.Fields("ruches potagers amarrages musiciens échafaudages bennes cheminées clôtures drones feux kiosques fontaines jeux bibliothèques musées cimetières poneys aviron kayaks campings archives vergers serres bornes sauveteurs"),
		[]string{"Licence pour", "Plainte sur", "Location de", "Règlement des", "Subvention pour"},
		"%[2]s %[1]s", "qui décide pour %[1]s et la %[2]s", "Demandez au bureau %[3]d pour %[1]s ; réponse sous %[4]d jours.",
	},
	"ar": {
		strings.Fields("المناحل البساتين المراسي العازفون السقالات الحاويات المداخن الأسوار المسيرات الألعاب الأكشاك النوافير الملاعب المكتبات المتاحف المقابر المهور التجديف القوارب المخيمات الأرشيف الحدائق الدفيئات الصنابير المنقذون"),
		[]string{"ترخيص", "شكوى عن", "استئجار", "قواعد", "دعم"},
		"%[2]s %[1]s", "من يقرر في %[1]s و%[2]s", "اسأل المكتب رقم %[3]d عن %[1]s، ويجيب خلال %[4]d يوما.",
	},
	"zh": {
		strings.Fields("蜂箱 菜园 泊位 街头艺人 脚手架 渣土箱 烟囱 围栏 无人机 烟花 报亭 喷泉 游乐场 图书馆 博物馆 公墓 小马 赛艇 皮划艇 营地 档案 果园 温室 消火栓 救生员"),
		[]string{"许可", "投诉", "租用", "规定", "资助"},
		"%[1]s%[2]s", "%[1]s的%[2]s由谁决定", "关于%[1]s请到%[3]d室咨询，%[4]d天内答复。",
	},
}

// inventedPages gives 500 pages: 25 subjects by 5 acts in 4 languages.
func inventedPages() []answers.Page {
	r := rand.New(rand.NewPCG(1, 2))
	var out []answers.Page
	for _, lang := range []string{"en", "fr", "ar", "zh"} {
		g := invented[lang]
		for i, s := range g.subjects {
			for j, a := range g.acts {
				room, days := r.IntN(900)+100, r.IntN(40)+2
				out = append(out, answers.Page{
					ID: fmt.Sprintf("made-%d-%d", i, j), Lang: lang, Title: fmt.Sprintf(g.title, s, a),
					Asks: []string{fmt.Sprintf(g.ask, s, a)}, Body: fmt.Sprintf(g.fact, s, a, room, days),
				})
			}
		}
	}
	return out
}

type paraphrase struct{ lang, id, text string }

func paraphrases(t testing.TB, file string) []paraphrase {
	t.Helper()
	f, err := os.Open("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []paraphrase
	for s := bufio.NewScanner(f); s.Scan(); {
		if p := strings.Split(s.Text(), "\t"); len(p) == 3 {
			out = append(out, paraphrase{p[0], p[1], p[2]})
		}
	}
	return out
}

// tally counts how questions fared: those that a page answers, and those that none does.
type tally struct{ able, first, third, given, wrong, unable, refused int }

func (c *tally) add(t testing.TB, q paraphrase, r answers.Result) {
	rank := slices.IndexFunc(r.Hits, func(h answers.Hit) bool { return h.ID == q.id })
	switch {
	case q.id == "-" && r.Confident:
		t.Logf("%s: answered with %s: %+v", q.text, r.Hits[0].ID, r.Signals)
		c.unable++
	case q.id == "-":
		c.unable, c.refused = c.unable+1, c.refused+1
	default:
		c.answerable(t, q, r, rank)
	}
}

func (c *tally) answerable(t testing.TB, q paraphrase, r answers.Result, rank int) {
	c.able++
	if rank >= 0 && rank < 3 {
		c.third++
	}
	if r.Confident {
		c.given++
	}
	if rank == 0 {
		c.first++
		return
	}
	t.Logf("%s %s: %s: rank %d, confident %v", q.lang, q.id, q.text, rank, r.Confident)
	if r.Confident {
		c.wrong++
	}
}

func (c *tally) String() string {
	return fmt.Sprintf("of %d questions %d first, %d in three, %d answered, %d of them wrong; %d of %d unanswerable refused",
		c.able, c.first, c.third, c.given, c.wrong, c.refused, c.unable)
}

func measure(t testing.TB, x *answers.Index, list []paraphrase) tally {
	t.Helper()
	var c tally
	for _, q := range list {
		c.add(t, q, x.Find(answers.Query{Text: q.text, Lang: q.lang, Now: noon}))
	}
	t.Logf("%d pages: %s", x.Len(), &c)
	return c
}

// The questions were written before the first tuning and are not used for it; the thresholds are what a clerk would
// expect: nine of ten first hits right, an unanswerable question never answered, no answer given that is wrong.
func TestParaphrasesAmongFiveHundredPages(t *testing.T) {
	made := inventedPages()
	list := paraphrases(t, "paraphrases.tsv")
	c := measure(t, answers.New(append(made, cityPages(t)...)), list)
	if len(made) != 500 || len(list) != 57 || c.unable != 12 {
		t.Fatalf("%d made pages, %d questions, %d unanswerable", len(made), len(list), c.unable)
	}
	if c.first*100 < c.able*90 || c.third*100 < c.able*95 || c.given*100 < c.able*25 || c.refused < c.unable || c.wrong > 0 {
		t.Error("below the line")
	}
}

// The city as it is, with questions about the pages that joined the first twenty. The line lies just below what was
// measured first: 155 of 179 questions found their page first, 172 among three, 20 were answered without asking back, all
// rightly.
func TestParaphrasesOfTheCity(t *testing.T) {
	pages, list := cityPages(t), paraphrases(t, "city.tsv")
	asks := map[string]bool{}
	for _, p := range pages {
		for _, a := range p.Asks {
			asks[p.Lang+a] = true
		}
	}
	asked := map[string]int{}
	for _, q := range list {
		asked[q.lang+" "+q.id]++
		if asks[q.lang+q.text] {
			t.Errorf("%s is among the page's own", q.text)
		}
	}
	for k, n := range asked {
		if n < 2 {
			t.Errorf("%s has %d questions", k, n)
		}
	}
	c := measure(t, answers.New(pages), list)
	if c.first*100 < c.able*85 || c.third*100 < c.able*95 || c.given*100 < c.able*10 || c.refused < c.unable || c.wrong > 0 {
		t.Error("below the line")
	}
}

func TestInventedPagesAreTold(t *testing.T) {
	x := answers.New(inventedPages())
	n, first := 0, 0
	for lang, g := range invented {
		for i, s := range g.subjects {
			for j, a := range g.acts {
				n++
				r := x.Find(answers.Query{Text: a + " ... " + s + "?", Lang: lang, Now: noon})
				if len(r.Hits) > 0 && r.Hits[0].ID == fmt.Sprintf("made-%d-%d", i, j) && r.Hits[0].Lang == lang {
					first++
				}
			}
		}
	}
	if first*100 < n*97 {
		t.Errorf("%d of %d first", first, n)
	}
}
