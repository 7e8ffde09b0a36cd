package packet

// Unwrapper turns 16-bit sequence numbers or 32-bit timestamps into 64-bit
// ones that do not wrap. The zero value is ready; one Unwrapper serves one
// stream and one width. Results start one full period above zero, so a
// packet older than the first one still maps to a positive number.
type Unwrapper struct {
	newest  uint64
	started bool
}

// Unwrap16 returns the 64-bit number nearest to the newest seen whose low 16
// bits are v.
func (u *Unwrapper) Unwrap16(v uint16) uint64 {
	if !u.started {
		u.started, u.newest = true, 1<<16+uint64(v)
		return u.newest
	}
	n := u.newest + uint64(int64(int16(v-uint16(u.newest))))
	u.newest = max(u.newest, n)
	return n
}

// Unwrap32 does the same for 32 bits.
func (u *Unwrapper) Unwrap32(v uint32) uint64 {
	if !u.started {
		u.started, u.newest = true, 1<<32+uint64(v)
		return u.newest
	}
	n := u.newest + uint64(int64(int32(v-uint32(u.newest))))
	u.newest = max(u.newest, n)
	return n
}

// Newest returns the highest number so far, 0 before the first.
func (u *Unwrapper) Newest() uint64 { return u.newest }

// Restart16 makes v the newest number, ahead of everything seen, for a sender
// that began its numbering anew.
func (u *Unwrapper) Restart16(v uint16) uint64 {
	if !u.started {
		return u.Unwrap16(v)
	}
	u.newest += uint64(v - uint16(u.newest))
	return u.newest
}
