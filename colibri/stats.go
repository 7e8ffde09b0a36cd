package colibri

import "encoding/xml"

// Stat is one statistic of a bridge. Values are text: booleans "true" or
// "false", fractions with a dot.
type Stat struct{ Name, Value string }

// Stats is the presence extension with which a bridge tells the focuses in
// its brewery how it is.
type Stats []Stat

// Value returns the named statistic.
func (s Stats) Value(name string) (string, bool) {
	for _, st := range s {
		if st.Name == name {
			return st.Value, true
		}
	}
	return "", false
}

// ParseStats reads a stats element.
func ParseStats(doc []byte) (Stats, error) {
	return parseAs(doc, statsOf)
}

// ReadStats is ParseStats for a stream whose start element has been read.
func ReadStats(r xml.TokenReader, start xml.StartElement) (Stats, error) {
	return readAs(r, start, statsOf)
}

func statsOf(n *node) (Stats, error) {
	if !n.is(NamespaceColibri, "stats") {
		return nil, badRequest("not a stats element")
	}
	s := Stats{}
	for _, c := range n.children {
		if c.is(NamespaceColibri, "stat") {
			name, _ := c.attr("name")
			value, _ := c.attr("value")
			s = append(s, Stat{Name: name, Value: value})
		}
	}
	return s, nil
}

func (s Stats) tree() *node {
	n := newNode(NamespaceColibri, "stats")
	for _, st := range s {
		n.add("stat").set("name", st.Name).set("value", st.Value)
	}
	return n
}

// Healthcheck is the empty request with which a focus asks a bridge whether
// it is well.
type Healthcheck struct{}

func (Healthcheck) tree() *node { return newNode(NamespaceHealthcheck, "healthcheck") }
