package browser_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// pictureTimeout bounds how long a picture may take to get its height. Almost
// all of it is the sender's browser, which has to find out that its line can
// carry one more encoding.
const pictureTimeout = 20 * time.Second

// TestCall is a call of three over a data channel: pictures at each height
// that is asked for, sound, speaker, stage, camera off and on, leaving and
// coming back.
func TestCall(t *testing.T) {
	in := install(t)
	people := in.join(t, "", names...)
	anna := people[0]
	if c := anna.snapshot().Channel; c != "sctp" {
		t.Errorf("the channel is %q, want sctp", c)
	}
	checkHeights(t, people, 180, 360, 720, 180, 720)
	checkSound(t, people)
	checkSpeaker(t, people)
	checkStage(t, people)
	checkCamera(t, people)
	checkScreen(t, people)
	checkLeaving(t, people)
	pictures(t, people)
}

// TestWebSocket is a call whose bridge channel is a websocket.
func TestWebSocket(t *testing.T) {
	in := install(t)
	people := in.join(t, "&channel=ws", names[:2]...)
	s := people[0].snapshot()
	if s.Channel != "websocket" || s.Messages["ServerHello"] == 0 {
		t.Errorf("the channel is %q and has brought %v, want websocket and a ServerHello", s.Channel, s.Messages)
	}
	checkHeights(t, people, 360, 180, 720)
	checkSound(t, people)
	checkSpeaker(t, people)
}

// TestCodecs has calls in the other codecs: simulcast in H.264, all layers in
// one stream in VP9 and AV1.
func TestCodecs(t *testing.T) {
	in := install(t)
	for _, codec := range []string{"H264", "VP9", "AV1"} {
		t.Run(codec, func(t *testing.T) {
			people := in.join(t, "&codec="+codec, names[:3]...)
			checkHeights(t, people, 180, 360)
			checkDifferentHeights(t, people)
			for _, p := range people {
				for _, v := range p.snapshot().Sources {
					if want := "video/" + codec; v.Kind == "video" && v.Codec != want {
						t.Errorf("%s gets %s, want %s", p.name, v.Codec, want)
					}
				}
			}
			for _, p := range people {
				p.Close()
			}
		})
	}
}

// checkHeights asks everybody's page for one height after the other and waits
// until all pictures have it and move.
func checkHeights(t *testing.T, people []*person, heights ...int) {
	t.Helper()
	for _, height := range heights {
		start := time.Now()
		for _, p := range people {
			p.Eval(fmt.Sprintf("steg.ask(%d)", height), nil)
		}
		for _, p := range people {
			p.moving(fmt.Sprintf("see all at %d", height), func(received) int { return height })
		}
		t.Logf("everybody sees everybody at %d after %v", height, time.Since(start).Round(10*time.Millisecond))
	}
	for _, p := range people {
		p.Eval("steg.ask(null)", nil)
	}
}

// checkDifferentHeights has two people ask for different heights of the same
// sources, so that layers are left out for one of them.
func checkDifferentHeights(t *testing.T, people []*person) {
	t.Helper()
	start := time.Now()
	heights := []int{180, 720}
	for i, height := range heights {
		people[i].Eval(fmt.Sprintf("steg.ask(%d)", height), nil)
	}
	third := people[2].id
	for range 2 { // the second time, what the other does has settled
		for i, height := range heights {
			people[i].moving(fmt.Sprintf("see one at %d", height), func(v received) int {
				if v.Owner == third {
					return height
				}
				return 0
			})
		}
	}
	t.Logf("one sees at 180 what the other sees at 720 after %v", time.Since(start).Round(10*time.Millisecond))
	for i := range heights { // the other way round
		people[i].Eval(fmt.Sprintf("steg.ask(%d)", heights[1-i]), nil)
	}
	start = time.Now()
	for range 2 {
		for i := range heights {
			people[i].moving(fmt.Sprintf("see one at %d", heights[1-i]), func(v received) int {
				if v.Owner == third {
					return heights[1-i]
				}
				return 0
			})
		}
	}
	t.Logf("and the other way round after %v", time.Since(start).Round(10*time.Millisecond))
}

// moving waits until each video has the height that want returns and has
// brought more frames at that height.
func (p *person) moving(what string, want func(received) int) {
	p.Helper()
	first := map[string]int{}
	p.Wait(what, pictureTimeout, func() error {
		for _, v := range p.snapshot().Sources {
			if v.Kind != "video" {
				continue
			}
			height := want(v)
			if height == 0 {
				continue
			}
			if v.Height != height {
				delete(first, v.Name)
				return fmt.Errorf("%s has height %d, want %d", v.Name, v.Height, height)
			}
			if _, ok := first[v.Name]; !ok {
				first[v.Name] = v.FramesDecoded
			}
			if v.FramesDecoded < first[v.Name]+3 {
				return fmt.Errorf("%s stands still", v.Name)
			}
		}
		return nil
	})
}

// checkSound waits until the energy of each remote sound grows.
func checkSound(t *testing.T, people []*person) {
	t.Helper()
	for _, p := range people {
		before := map[string]float64{}
		for _, a := range p.snapshot().Sources {
			before[a.Name] = a.AudioEnergy
		}
		p.Wait("hear all", 10*time.Second, func() error {
			for _, a := range p.snapshot().Sources {
				if a.Kind == "audio" && a.AudioEnergy <= before[a.Name] {
					return fmt.Errorf("%s is silent, %d packets", a.Name, a.Packets)
				}
			}
			return nil
		})
	}
}

// checkSpeaker waits until all know the same dominant speaker.
func checkSpeaker(t *testing.T, people []*person) {
	t.Helper()
	first := people[0]
	first.Wait("know the speaker", 15*time.Second, func() error {
		var speaker string
		for i, p := range people {
			var s string
			p.Eval("steg.speaker() ?? ''", &s)
			if s == "" || i > 0 && s != speaker {
				return fmt.Errorf("%s says %q, the others %q", p.name, s, speaker)
			}
			speaker = s
		}
		return nil
	})
}

// checkStage clicks on a tile: that picture gets large, the others small.
func checkStage(t *testing.T, people []*person) {
	t.Helper()
	anna, bert := people[0], people[1]
	start := time.Now()
	anna.Eval(fmt.Sprintf("document.querySelector('[data-source=\"%s-v0\"] .hit').click()", bert.id), nil)
	anna.moving("see one on stage", func(v received) int {
		if v.Owner == bert.id {
			return 720
		}
		return 180
	})
	t.Logf("stage at 720 and others at 180 after %v", time.Since(start).Round(10*time.Millisecond))
	time.Sleep(2 * time.Second) // for the figures on the picture
	anna.Screenshot(filepath.Join(shots, "stage.png"))
	anna.Eval("steg.stage(null)", nil)
}

// checkCamera switches a camera off and on again.
func checkCamera(t *testing.T, people []*person) {
	t.Helper()
	anna, bert := people[0], people[1]
	reason := fmt.Sprintf("steg.reasons().find(([name]) => name === '%s-v0')?.[1]", bert.id)
	bert.Eval("document.getElementById('camera').click()", nil)
	anna.WaitFor("see that a camera is off", 5*time.Second, reason+" === 'cameraOff'")
	bert.Eval("document.getElementById('camera').click()", nil)
	anna.moving("see that a camera is on", func(v received) int {
		if v.Owner == bert.id {
			return 360
		}
		return 0
	})
}

// checkScreen shares a screen and ends that again.
func checkScreen(t *testing.T, people []*person) {
	t.Helper()
	anna, bert := people[0], people[1]
	screen := func(s snapshot) *received {
		for _, v := range s.Sources {
			if v.VideoType == "desktop" && v.Owner == bert.id {
				return &v
			}
		}
		return nil
	}
	bert.Eval("document.getElementById('screen').click()", nil)
	took := anna.Wait("see a screen", pictureTimeout, func() error {
		if v := screen(anna.snapshot()); v == nil || v.FramesDecoded < 2 || v.Height == 0 {
			return fmt.Errorf("it is %+v", v)
		}
		return nil
	})
	t.Logf("a shared screen is there after %v", took.Round(10*time.Millisecond))
	time.Sleep(2 * time.Second) // for the figures on the picture
	anna.Screenshot(filepath.Join(shots, "screen.png"))
	bert.Eval("document.getElementById('screen').click()", nil)
	anna.Wait("see the screen go", 5*time.Second, func() error {
		if v := screen(anna.snapshot()); v != nil {
			return fmt.Errorf("it is still there: %+v", v)
		}
		return nil
	})
}

// checkLeaving has one leave, in each way that there is, and come back.
func checkLeaving(t *testing.T, people []*person) {
	t.Helper()
	last := people[len(people)-1]
	others := people[:len(people)-1]
	last.Eval("document.getElementById('leave').click()", nil)
	for _, p := range others {
		p.connected(len(others))
	}
	last.Eval("steg.join()", nil)
	for _, p := range people {
		p.connected(len(people))
	}
	last.Go("about:blank")
	for _, p := range others {
		p.connected(len(others))
	}
	last.Go(last.url)
	for _, p := range people {
		p.connected(len(people))
	}
	checkHeights(t, people, 360)
	checkSound(t, people)
}

// pictures takes pictures of the page for people to look at.
func pictures(t *testing.T, people []*person) {
	t.Helper()
	time.Sleep(3 * time.Second) // until the figures are in
	for _, c := range []struct {
		name          string
		width, height int64
		dark          bool
	}{
		{"light", 1280, 800, false},
		{"dark", 1280, 800, true},
		{"narrow", 420, 860, false},
	} {
		people[0].Size(c.width, c.height, c.dark)
		time.Sleep(300 * time.Millisecond)
		people[0].Screenshot(filepath.Join(shots, c.name+".png"))
	}
	t.Logf("pictures of the page are in %s", shots)
}
