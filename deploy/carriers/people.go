package carriers

import "gatehouse/deploy/carriers/pages"

// demoPeople are a few of Port Lumen: one for each language, a company and a representative. Numbers are of the range
// that Ofcom reserves for drama.
func demoPeople() []pages.Person {
	return []pages.Person{
		{Name: "Maria Silveira", Who: "Lives on Quay Street; English", Lang: "en", Phone: "+447700900101", Chat: 1001, Mail: "maria@mail.example"},
		{Name: "Jean Morvan", Who: "Rents rooms to guests in the Old Town; French", Lang: "fr", Phone: "+447700900102", Chat: 1002, Mail: "jean@mail.example"},
		{Name: "أمينة حداد", Who: "Amina Haddad, Mill Hill; Arabic", Lang: "ar", Phone: "+447700900103", Chat: 1003, Mail: "amina@post.example"},
		{Name: "李伟", Who: "Li Wei, keeps a restaurant in Saltmarsh; Chinese", Lang: "zh", Phone: "+447700900104", Chat: 1004, Mail: "liwei@post.example"},
		{Name: "North Dock Freight", Who: "A company that declares goods", Lang: "en", Phone: "+447700900105", Chat: 1005, Mail: "customs@northdock.example"},
		{Name: "Tom Arden", Who: "Helps his mother with her grant; English", Lang: "en", Phone: "+447700900106", Chat: 1006, Mail: "tom@mail.example"},
	}
}
