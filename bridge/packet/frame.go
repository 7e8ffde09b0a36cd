package packet

// Parse works out the frame facts of a video packet from its payload and,
// where the payload says too little, from its dependency descriptor dd (nil:
// none). seq is the packet's 64-bit number. Unreadable bytes yield a frame
// without facts, never an error. What the frame points to is the layering's
// and valid until the next packet.
//
// Start stays false for codecs whose payload does not tell (H.264 and unknown
// ones without dependency descriptor); ingress derives it from the order of
// packets.
func (l *Layering) Parse(codec Codec, payload, dd []byte, marker bool, seq uint64) Frame {
	f := Frame{End: marker, TID: -1, SID: -1, PictureID: -1, TL0: -1}
	switch codec {
	case CodecVP8:
		f.vp8(payload)
		// A picture id is enough: senders that begin to layer in mid-stream must
		// not be read by another rule from then on.
		if f.PictureID >= 0 || len(dd) == 0 {
			return f
		}
	case CodecVP9:
		f.vp9(payload, l)
		if f.PictureID >= 0 || len(dd) == 0 {
			return f
		}
	case CodecH264:
		f.Keyframe = H264Keyframe(payload)
	case CodecAV1:
		f.Keyframe = AV1Keyframe(payload)
	}
	d, ok := ParseDependencyDescriptor(dd)
	if !ok {
		return f
	}
	f = Frame{
		Start: d.Start, End: d.End || marker, Keyframe: d.Attached, Described: true,
		TID: -1, SID: -1, PictureID: int32(d.FrameNumber), TL0: -1, Descriptor: f.Descriptor,
		Width: f.Width, Height: f.Height,
	}
	l.describe(&f, dd, d, seq)
	return f
}

// ParseFrame works out what can be known from one packet alone.
func ParseFrame(codec Codec, payload, dd []byte, marker bool) Frame {
	return new(Layering).Parse(codec, payload, dd, marker, 1)
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

func (f *Frame) vp9(payload []byte, l *Layering) {
	v, ok := ParseVP9(payload)
	if !ok {
		return
	}
	f.Start, f.End, f.Keyframe = v.Start, v.End, v.Keyframe
	f.TID, f.SID = v.TID, v.SID
	f.PictureID, f.LongID, f.TL0 = v.PictureID, v.LongID, v.TL0
	f.Layered = v.TID >= 0
	f.Descriptor = v.Len
	f.Targets, f.Depends = v.targets(), &l.depends
	l.depends = Depends{
		Refs: v.Refs, Count: v.Count, Layers: v.SpatialLayers,
		InterPicture: v.InterPicture, InterLayer: v.InterLayer, SwitchUp: v.SwitchUp, Flexible: v.Flexible,
	}
	if n := int(v.SpatialLayers); n > 0 {
		l.sizes, l.layers = [8]Size{}, v.SpatialLayers
		for i := range n {
			l.sizes[i] = Size{v.Widths[i], v.Heights[i]}
			f.Width, f.Height = max(f.Width, v.Widths[i]), max(f.Height, v.Heights[i])
		}
	}
}
