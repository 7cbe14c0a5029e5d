package gateway

import "gatehouse/configs/texts"

// carriesFiles tells the channels that bring a document itself; on the others a link brings it, or paper does.
func carriesFiles(channel string) bool { return channel == byMail || channel == "chat" }

// CarriesFiles tells whether a message on that channel brings its files itself.
func CarriesFiles(channel string) bool { return carriesFiles(channel) }

// Papers counts the documents of a time line.
func (m Matter) Papers() int {
	n := 0
	for _, e := range m.Events {
		if e.Paper != nil {
			n++
		}
	}
	return n
}

// paperText says where the document of a case's last event is: attached to this message, or behind a link that proves itself
// for a while, and on paper at the office for who has no internet. Empty: it has none.
func (d *Dispatcher) paperText(m Matter, channel string, attached bool) string {
	if len(m.Events) == 0 || m.Events[len(m.Events)-1].Paper == nil {
		return ""
	}
	url, until := d.paper(m.Reference, m.Papers())
	args := texts.Args{"url": shortURL(url), "day": d.day(until, m.Lang), "phone": d.services.City.Phone}
	switch {
	case url == "":
		return d.texts.Text(m.Lang, "citizen.paper.office", args)
	case channel != bySMS:
		args["url"] = url
	}
	if attached {
		return d.texts.Text(m.Lang, "citizen.paper.attached", args)
	}
	return d.texts.Text(m.Lang, "citizen.paper.link", args)
}
