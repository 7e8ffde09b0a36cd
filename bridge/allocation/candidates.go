package allocation

import "math"

// candidates are the layers of a source worth considering, lowest quality
// first.
type candidates struct {
	layers    []Layer
	rates     []int64 // what each costs
	preferred int     // index up to which an on-stage source goes at once; -1: none
	oversend  int     // index up to which the first on-stage source may exceed the bandwidth; -1: none
	silent    bool    // the source sends nothing at present
}

// choose lists the candidates of a source. Layers that its sender does not
// send are left out, unless it sends none: then all stand for what may come.
func choose(src Source, c Constraints, onStage bool, p Policy) candidates {
	k := candidates{preferred: -1, oversend: -1, silent: true}
	lowest := math.MaxInt
	for _, l := range src.Layers {
		k.silent = k.silent && !l.Active
		lowest = min(lowest, l.Height)
	}
	layers := limitFrameRate(src.Layers, c.MaxFrameRate)
	if src.VideoType == Desktop {
		k.desktop(layers, c, onStage)
	} else {
		k.camera(layers, c, lowest, p)
	}
	for _, l := range k.layers {
		k.rates = append(k.rates, cost(src, l))
	}
	if src.VideoType == Desktop && onStage && p.AllowOversend {
		k.oversend = k.cheapestOfTallest()
	}
	return k
}

// limitFrameRate drops layers faster than the limit, but never the slowest of
// an encoding. Measured rates may exceed their nominal value a little.
func limitFrameRate(layers []Layer, limit float64) []Layer {
	if limit < 0 {
		return layers
	}
	kept := make([]Layer, 0, len(layers))
	for i, l := range layers {
		slowest := i == 0 || layers[i-1].Encoding != l.Encoding || layers[i-1].SID != l.SID
		if slowest || l.FrameRate <= 1.1*limit {
			kept = append(kept, l)
		}
	}
	return kept
}

// camera: below the preferred height every step is usable, from there on only
// the full frame rate; the lowest height is always usable.
func (k *candidates) camera(layers []Layer, c Constraints, lowest int, p Policy) {
	height, rate := -1, -1.0
	if c.MaxHeight < 0 || c.MaxHeight > 180 {
		height, rate = p.OnStageHeight, p.OnStageFrameRate
	}
	for _, l := range layers {
		full := rate < 0 || l.FrameRate == 0 || l.FrameRate >= min(fastest(layers, l), rate)*0.9
		fits := c.MaxHeight < 0 || l.Height <= c.MaxHeight
		if (l.Active || k.silent) && (l.Height < height && fits || fits && full || l.Height == lowest) {
			if l.Height <= max(height, lowest) {
				k.preferred = len(k.layers)
			}
			k.layers = append(k.layers, l)
		}
	}
	if len(k.layers) == 0 {
		k.layers = lowestOf(layers, k.silent)
		k.preferred = len(k.layers) - 1
	}
}

// desktop: resolution first.
func (k *candidates) desktop(layers []Layer, c Constraints, onStage bool) {
	for _, l := range layers {
		if (l.Active || k.silent) && (c.MaxHeight < 0 || l.Height <= c.MaxHeight) {
			k.layers = append(k.layers, l)
		}
	}
	if len(k.layers) == 0 {
		k.layers = lowestOf(layers, k.silent)
		if len(k.layers) > 0 && !onStage && k.layers[0].FrameRate == 0 {
			k.layers = k.layers[:1]
		}
	}
	k.preferred = len(k.layers) - 1
}

// lowestOf returns the layers of the least height among those that are sent:
// something too large is better than nothing.
func lowestOf(layers []Layer, silent bool) []Layer {
	var kept []Layer
	for _, l := range layers {
		if !l.Active && !silent {
			continue
		}
		if len(kept) > 0 && l.Height < kept[0].Height {
			kept = kept[:0]
		}
		if len(kept) == 0 || l.Height == kept[0].Height {
			kept = append(kept, l)
		}
	}
	return kept
}

// cheapestOfTallest finds the least expensive layer of the largest height.
func (k *candidates) cheapestOfTallest() int {
	best := -1
	for i, l := range k.layers {
		if best < 0 || l.Height > k.layers[best].Height || l.Height == k.layers[best].Height && k.rates[i] < k.rates[best] {
			best = i
		}
	}
	return best
}

// beyond tells why a source that has its best candidate does not get more.
func (k *candidates) beyond(src Source, c Constraints) Reason {
	best := k.layers[len(k.layers)-1]
	why := NoLimit
	behind := false
	for _, l := range src.Layers {
		if l == best {
			behind = true
			continue
		}
		if !behind {
			continue
		}
		if c.MaxHeight >= 0 && l.Height > c.MaxHeight || c.MaxFrameRate >= 0 && l.FrameRate > 1.1*c.MaxFrameRate {
			return LimitConstraint
		}
		if !l.Active {
			why = LimitInactive
		}
	}
	return why
}

// cost is what a layer is charged: its measured rate, or what its height and
// frame rate usually cost while none is known. A layer that its sender just
// turned on would look free otherwise.
func cost(src Source, l Layer) int64 {
	if l.Bitrate > 0 {
		return l.Bitrate
	}
	return expectedRate(src.VideoType, l.Height, l.FrameRate, fastest(src.Layers, l))
}

// fastest is the frame rate of all temporal layers at the place of l. Other
// encodings are no measure: one that has just begun has not reached its rate
// yet, one that is off has none.
func fastest(layers []Layer, l Layer) float64 {
	rate := 0.0
	for _, o := range layers {
		if o.Encoding == l.Encoding && o.SID == l.SID {
			rate = max(rate, o.FrameRate)
		}
	}
	return rate
}

// expectedRate follows the rates that browsers give to 180p (150 kbit/s), 360p
// (500) and 720p (1.7 Mbit/s); the base of three temporal layers takes two
// fifths. Screens stand still most of the time.
func expectedRate(t VideoType, height int, frameRate, fastest float64) int64 {
	share := 1.0
	if frameRate > 0 && frameRate < fastest {
		share = 0.2 + 0.8*frameRate/fastest
	}
	if t == Desktop {
		share /= 2
	}
	return int64(150_000 * math.Pow(float64(max(height, 90))/180, 1.75) * share)
}
