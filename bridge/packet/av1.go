package packet

// AV1Keyframe tells whether an AV1 RTP payload is the first packet of a coded
// video sequence, by the N bit of its aggregation header (AV1 RTP payload
// format section 4.4).
//
//	|Z|Y| W |N|-|-|-|
func AV1Keyframe(b []byte) bool { return len(b) > 0 && b[0]&0x88 == 0x08 }
