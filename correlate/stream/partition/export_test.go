package partition

import "maps"

// Amounts are the topics of all records that what is held amounts to, by id.
func (p *Partition) Amounts() (map[string]string, error) {
	out := make(map[string]string)
	for _, who := range p.persons {
		rs, _, err := p.rebuild(who)
		if err != nil {
			return nil, err
		}
		maps.Copy(out, rs.topics())
	}
	return out, nil
}

func (rs records) topics() map[string]string {
	out := make(map[string]string, len(rs))
	for id, r := range rs {
		out[id] = r.topic
	}
	return out
}
