package packet

// ParseFrame works out the frame facts of a video packet from its payload and,
// where the payload says too little, from its dependency descriptor dd (nil:
// none). An unreadable descriptor yields a frame without facts, never an
// error: such packets are forwarded as they are.
//
// Start stays false for codecs whose payload does not tell (H.264 and unknown
// ones without dependency descriptor); ingress derives it from the order of
// packets.
func ParseFrame(codec Codec, payload, dd []byte, marker bool) Frame {
	f := Frame{End: marker, TID: -1, SID: -1, PictureID: -1, TL0: -1}
	switch codec {
	case CodecVP8:
		f.vp8(payload)
		if f.Layered || len(dd) == 0 {
			return f
		}
	case CodecVP9:
		f.vp9(payload)
		if f.PictureID >= 0 || len(dd) == 0 {
			return f
		}
	case CodecH264:
		f.Keyframe = H264Keyframe(payload)
	case CodecAV1:
		f.Keyframe = AV1Keyframe(payload)
	}
	if d, ok := ParseDependencyDescriptor(dd); ok {
		f.Start, f.End = d.Start, d.End || marker
		f.Keyframe = f.Keyframe || d.Structure
		if d.Height != 0 {
			f.Width, f.Height = d.Width, d.Height
		}
	}
	return f
}

func (f *Frame) vp8(payload []byte) {
	v, ok := ParseVP8(payload)
	if !ok {
		return
	}
	f.Start, f.Keyframe = v.Start, v.Keyframe
	f.TID, f.PictureID, f.LongID, f.TL0 = v.TID, v.PictureID, v.LongID, v.TL0
	f.Layered = v.TID >= 0 && v.PictureID >= 0
	f.Descriptor = v.Len
	f.Width, f.Height = v.Width, v.Height
}

func (f *Frame) vp9(payload []byte) {
	v, ok := ParseVP9(payload)
	if !ok {
		return
	}
	f.Start, f.End, f.Keyframe = v.Start, v.End, v.Keyframe
	f.TID, f.SID = v.TID, v.SID
	f.PictureID, f.LongID, f.TL0 = v.PictureID, v.LongID, v.TL0
	f.Layered = v.TID >= 0
	f.Descriptor = v.Len
	for i := range int(v.SpatialLayers) {
		f.Width, f.Height = max(f.Width, v.Widths[i]), max(f.Height, v.Heights[i])
	}
}
