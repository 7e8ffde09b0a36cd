package bridge

// subscription is what one receiver wants to hear, as its last
// ReceiverAudioSubscription said. It is immutable, so that routes may share
// it; nil is the subscription to everything that holds without such a message.
type subscription struct {
	all     bool
	include map[string]struct{} // source names
	exclude map[string]struct{}
}

// newSubscription copies what the message says.
func newSubscription(all bool, include, exclude []string) *subscription {
	return &subscription{all: all, include: nameSet(include), exclude: nameSet(exclude)}
}

func nameSet(names []string) map[string]struct{} {
	set := make(map[string]struct{}, len(names))
	for _, name := range names {
		set[name] = struct{}{}
	}
	return set
}

// Wants says whether the receiver is to get an audio source. Exclusion beats
// inclusion, which beats the subscription to all. A synthetic source (a
// translation, say) has to be included by name, and then goes back even to the
// endpoint that owns it; an own source otherwise never does.
func (s *subscription) Wants(source string, synthetic, own bool) bool {
	if synthetic {
		return s.Names(source)
	}
	if own {
		return false
	}
	if s == nil {
		return true
	}
	if _, excluded := s.exclude[source]; excluded {
		return false
	}
	return s.all || s.Names(source)
}

// Names says whether the receiver asked for this very source: such a source
// passes even if it is not among the loudest.
func (s *subscription) Names(source string) bool {
	if s == nil {
		return false
	}
	_, excluded := s.exclude[source]
	_, included := s.include[source]
	return included && !excluded
}
