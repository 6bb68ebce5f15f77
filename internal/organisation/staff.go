package organisation

import (
	"fmt"
	"strings"
	"time"
)

// org is the name of the Okta org in shards and in the policy.
const org = "example"

// nameKind is how a person's role session name relates to their login.
type nameKind int

const (
	byEmail   nameKind = iota // the login itself
	byCase                    // the login in mixed case
	byAlias                   // first.last, tied by the policy
	bySubject                 // first.last, tied by the SAML NameID only
	byTag                     // a +tag address
)

type place struct {
	zone, city, state, country string
	lat, lon                   string
}

func places() []place {
	return []place{
		{"Europe/Berlin", "Berlin", "Berlin", "Germany", "52.52", "13.405"},
		{"America/New_York", "New York", "New York", "United States", "40.7128", "-74.006"},
		{"Europe/London", "London", "England", "United Kingdom", "51.5072", "-0.1276"},
		{"Asia/Kolkata", "Bengaluru", "Karnataka", "India", "12.9716", "77.5946"},
		{"America/Los_Angeles", "San Francisco", "California", "United States", "37.7749", "-122.4194"},
	}
}

type person struct {
	n           int
	display     string
	login       string // Okta login, an email
	nameID      string // SAML subject and Okta app username
	session     string // role session name and Identity Center user name
	kind        nameKind
	oktaID      string
	portalID    string // Identity Center user id
	appUser     string // suffix of the AppUser ids
	place       place
	zone        *time.Location
	shift       int // local hour at which work begins
	onCall      bool
	ip          string
	browser     string // user agent
	os          string
	cli         string          // AWS user agent of the command line
	mfa         factor          // the usual way to sign on
	reserved    map[*role][]int // days around which a play uses the role
	left        map[*role]bool  // roles whose grant a play leaves open
	portalSince time.Time
}

func firstNames() []string {
	return strings.Fields("Ada Alan Amina Anke Aroon Beatriz Björn Carla Chen Daria Deepak Elif Emeka Enzo Fatima Femi Freya Goran Grace Hana Hugo Ines Ivan Jana José Kavya Kofi Lea Liam Mara Mina Nadia Noah Olga Omar Priya Rafael Ravi Rosa Sana Sven Tara Tomas Uma Viktor Wen Yara Yusuf Zoë Zuri")
}

func lastNames() []string {
	return strings.Fields("Abara Almeida Bauer Brandt Castro Dahl Diaz Eriksen Fischer Fontaine Gupta Haddad Hansen Ito Jansen Kaya Keller Khan Kowalski Kumar Lang Lindqvist Lopez Mbeki Meyer Moreau Nakamura Novak Okafor Olsen Patel Petrov Rao Reyes Rossi Sato Schmidt Silva Singh Sousa Tanaka Torres Ueda Varga Vogel Weber Wolf Yilmaz Zhang Zimmer")
}

// ascii spells a name the way a mail address does.
func ascii(s string) string {
	return strings.ToLower(strings.NewReplacer("ö", "oe", "é", "e", "ë", "e").Replace(s))
}

func (g *generator) hire(n int) *person {
	r := g.stream("person", n)
	first, last := firstNames(), lastNames()
	f, l := first[n%len(first)], last[(n*7+n/len(first))%len(last)]
	short := ascii(f) + "." + ascii(l)
	if cycle := n / (len(first) * len(last)); cycle > 0 {
		short = fmt.Sprintf("%s%d", short, cycle+1)
	}
	p := &person{
		n: n, display: f + " " + l, login: short + "@example.com",
		oktaID: "00u" + token(r, base62, 17), appUser: token(r, base62, 14),
		portalID: fmt.Sprintf("%s-%s-70%s-%s-%s", token(r, hexDigits, 8), token(r, hexDigits, 4), token(r, hexDigits, 2), token(r, hexDigits, 4), token(r, hexDigits, 12)),
		place:    places()[n%len(places())], shift: 8 + r.IntN(3), onCall: n%7 == 3,
		ip:       fmt.Sprintf("%s.%d", pick(r, []string{"192.0.2", "198.51.100", "203.0.113"}), 1+r.IntN(254)),
		reserved: map[*role][]int{}, left: map[*role]bool{},
	}
	p.zone = g.zone(p.place.zone)
	p.nameID, p.session = p.login, p.login
	switch n % 16 {
	case 1, 9:
		p.kind, p.session = byCase, f[:1]+short[1:]+"@Example.com"
		if f[0] >= 0x80 {
			p.session = strings.ToUpper(p.login)
		}
	case 2, 10:
		p.kind, p.session = byAlias, short
	case 3:
		p.kind, p.nameID, p.session = bySubject, short, short
	case 4:
		p.kind = byTag
		p.login = short + "+aws@example.com"
		p.nameID, p.session = p.login, p.login
	}
	g.equip(p, r.IntN(3))
	p.mfa = pick(r, []factor{classicPush, enginePush, enginePush, fastPass, webAuthn, totp})
	return p
}

// equip gives the person a computer.
func (g *generator) equip(p *person, kind int) {
	switch kind {
	case 0:
		p.os, p.browser = "Mac OS X", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
		p.cli = "aws-cli/2.31.6 md/awscrt#0.27.6 ua/2.1 os/macos#24.6.0 md/arch#arm64 lang/python#3.13.7 md/pyimpl#CPython"
	case 1:
		p.os, p.browser = "Windows 11", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0"
		p.cli = "aws-sdk-go/1.55.7 (go1.24.6; windows; amd64) saml2aws/2.36.19"
	default:
		p.os, p.browser = "Linux", "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"
		p.cli = "Boto3/1.40.21 md/Botocore#1.40.21 ua/2.1 os/linux#6.12 md/arch#x86_64 lang/python#3.12.3"
	}
}
