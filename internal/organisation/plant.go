package organisation

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// play is a scene of the truth: a breach or a near miss.
type play struct {
	name string
	note string
	act  func(*scene)
	// kinds are the people it can happen to; by default all whom an event or
	// the policy ties to their session name whether or not they signed on.
	kinds []nameKind
	// day is where it has to happen; nil for any day.
	day func(g *generator, day int) bool
	// near is the start of the zones whose people it can happen to, where a
	// time of another zone matters.
	near string
	// outside are plays beyond the working days; at is their day.
	outside bool
	at      int
	// group is one with several roles that the play is about.
	group *group
	// open are plays that leave a grant open for good.
	open bool
	// nobody are plays without an employee.
	nobody bool
	// light plays are honest but for what they are about, so that up to four of
	// them may happen to one person on one day.
	light bool
	// idle plays need no session in AWS; they happen to anybody on any day.
	idle bool
	// refused are idle plays of assumptions that were refused. They happen to
	// people to whom no other of them happens.
	refused bool
}

// lightADay is how many light plays one person has on one day.
const lightADay = 4

// plant plays all breaches and near misses, then breaches again until there
// are enough. Those that suit few people or days choose first.
func (g *generator) plant() error {
	all := append(breaches(g), nearMisses(g)...)
	slices.SortStableFunc(all, func(a, b play) int { return b.choosy() - a.choosy() })
	for _, p := range all {
		if err := g.play(p, 0); err != nil {
			return err
		}
	}
	for round := 1; len(g.truth.Planted) < g.cfg.Planted; round++ {
		for _, p := range breaches(g) {
			if p.outside || len(g.truth.Planted) >= g.cfg.Planted {
				continue
			}
			if err := g.play(p, round); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p play) choosy() int {
	n := 0
	for _, wants := range []bool{p.day != nil, p.day != nil, p.kinds != nil, p.near != "", p.group != nil} {
		if wants {
			n++
		}
	}
	return n
}

func (g *generator) play(p play, round int) error {
	s := &scene{g: g, r: g.stream("play/"+p.name, round), note: p.note, open: p.open}
	if p.nobody {
		s.day = s.r.IntN(g.cfg.Days)
		s.p = &person{zone: g.zone("Europe/Berlin"), shift: 9, reserved: map[*role][]int{}, left: map[*role]bool{}}
		p.act(s)
		return nil
	}
	if !s.cast(p) {
		return fmt.Errorf("organisation: %d people in %d days are too few for what is to be planted (%q); about 125 free days of people are needed", g.cfg.People, g.cfg.Days, p.name)
	}
	if p.group != nil {
		for _, x := range p.group.targets {
			s.reserve(x)
		}
	}
	p.act(s)
	return nil
}

// cast finds a person and a day on which nothing else happens to them.
func (s *scene) cast(p play) bool {
	days := s.r.Perm(s.g.cfg.Days)
	if p.outside {
		days = []int{p.at}
	}
	all := s.r.Perm(len(s.g.people))
	if p.idle {
		return s.idle(p, all, days)
	}
	// Light plays first look for a day that they can share.
	for _, shared := range []bool{true, false} {
		if shared && !p.light {
			continue
		}
		for _, n := range all {
			who := s.g.people[n]
			if !suits(who, p.kinds) || !strings.HasPrefix(who.place.zone, p.near) {
				continue
			}
			for _, day := range days {
				key := [2]int{n, day}
				if n := s.g.light[key]; shared && (n == 0 || n >= lightADay) || !shared && s.g.busy[key] {
					continue
				}
				if p.day != nil && !p.day(s.g, day) || !s.g.spare(who, p, day) {
					continue
				}
				s.g.busy[key] = true
				if p.light {
					s.g.light[key]++
				}
				s.p, s.day = who, day
				return true
			}
		}
	}
	return false
}

// idle casts a play that takes nobody's time.
func (s *scene) idle(p play, all, days []int) bool {
	for _, n := range all {
		who := s.g.people[n]
		if !suits(who, p.kinds) || p.refused && s.g.refused[n] {
			continue
		}
		if p.refused {
			s.g.refused[n] = true
		}
		s.p, s.day = who, days[0]
		return true
	}
	return false
}

func suits(p *person, kinds []nameKind) bool {
	if len(kinds) == 0 {
		return p.kind != bySubject
	}
	for _, k := range kinds {
		if p.kind == k {
			return true
		}
	}
	return false
}

// welcome adds everybody to the staff, so that the log knows them.
func (g *generator) welcome() {
	r := g.stream("welcome")
	staff := &group{id: "00g" + token(r, base62, 17), name: "Employees"}
	at := g.truth.Complete.From.Add(10 * time.Minute)
	for _, p := range g.people {
		s := &scene{g: g, r: g.stream("welcome", p.n), p: p}
		at = at.Add(between(s.r, 20*time.Millisecond, 300*time.Millisecond))
		s.okta(at, &oktaBody{typ: "group.user_membership.add", legacy: "core.user_group_member.user_add", display: "Add user to group membership",
			actor: actor{id: "hrimport", typ: "SystemPrincipal", alternate: "system@okta.com", display: "Okta System"}, bare: true, job: true, target: []actor{p.user(), staff.target()}, debug: []string{"reason", "HR import"}})
	}
}
