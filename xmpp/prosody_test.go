package xmpp_test

import (
	"context"
	"crypto/x509"
	"errors"
	"os"
	"testing"
	"time"

	"steg/colibri"
	"steg/configs"
	"steg/tests/focus"
	"steg/tests/prosody"
	"steg/xmpp"
)

// installation is a Prosody with what a test puts around it.
type installation struct {
	*prosody.Server
	t      *testing.T
	ctx    context.Context
	bridge *fakeBridge
	status *fakeStatus
	log    *logbook
}

func install(t *testing.T) *installation {
	t.Helper()
	s := prosody.StartForTest(t)
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	t.Cleanup(cancel)
	return &installation{Server: s, t: t, ctx: ctx, bridge: &fakeBridge{}, status: &fakeStatus{}, log: &logbook{}}
}

func (in *installation) account() configs.Account {
	return configs.Account{
		ID: "shard", Host: in.Address, Port: in.Port, Domain: in.AuthDomain(), Security: configs.SecurityRequired,
		Username: prosody.BridgeUser, Password: prosody.BridgePassword, MUCs: []string{in.Brewery()}, Nickname: "steg",
	}
}

// client starts a client that trusts the server's authority.
func (in *installation) client(a configs.Account) *xmpp.Client {
	in.t.Helper()
	pem, err := os.ReadFile(in.CAFile)
	if err != nil {
		in.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	c := in.newClient(a)
	c.SetRoots(roots)
	in.start(c)
	return c
}

func (in *installation) newClient(a configs.Account) *xmpp.Client {
	cfg := configs.XMPP{Accounts: []configs.Account{a}, PresenceInterval: 300 * time.Millisecond}
	return xmpp.New(cfg, "2.3.1", in.bridge, in.status, in.log.logger())
}

func (in *installation) start(c *xmpp.Client) {
	c.Start()
	in.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		closeClient(in.t, c, ctx)
	})
}

func (in *installation) focus() *focus.Focus {
	in.t.Helper()
	f, err := focus.Dial(in.ctx, focus.Options{HostPort: in.HostPort(), Domain: in.AuthDomain(), CAFile: in.CAFile,
		Brewery: in.Brewery(), User: prosody.FocusUser, Password: prosody.FocusPassword})
	if err != nil {
		in.t.Fatal(err)
	}
	in.t.Cleanup(f.Close)
	return f
}

// awaitLine waits for a log line.
func (in *installation) awaitLine(text string) {
	in.t.Helper()
	for in.log.count(text) == 0 {
		select {
		case <-in.ctx.Done():
			in.t.Fatalf("no line %q in the log:\n%s", text, in.log)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func TestProsodyDialogue(t *testing.T) {
	in := install(t)
	f := in.focus()
	c := in.client(in.account())
	b, err := f.WaitBridge(in.ctx, "steg", nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, in.log)
	}
	if b.Stats["stress_level"] != "0.1" || b.Stats["drain"] != "false" || b.Stats["threads"] != "7" || !c.Joined() {
		t.Errorf("bridge %+v, joined %v", b, c.Joined())
	}
	if err := f.Health(in.ctx, b); err != nil {
		t.Errorf("health: %v", err)
	}
	in.status.set(errors.New("out of order"), "true")
	c.Publish()
	if _, err := f.WaitBridge(in.ctx, "steg", func(b focus.Bridge) bool { return b.Stats["drain"] == "true" }); err != nil {
		t.Error(err)
	}
	var refusal *colibri.Error
	if err := f.Health(in.ctx, b); !errors.As(err, &refusal) || refusal.Condition != colibri.InternalServerError || refusal.Text != "out of order" {
		t.Errorf("health of a sick bridge: %v", err)
	}
	got, err := f.Modify(in.ctx, b, &colibri.ConferenceModify{MeetingID: "m1", Create: true, Endpoints: []colibri.Endpoint{{ID: "abcd1234"}}})
	if err != nil || len(got.Endpoints) != 1 || got.Endpoints[0].ID != "abcd1234" {
		t.Errorf("modify: %+v, %v", got, err)
	}
	_, err = f.Modify(in.ctx, b, &colibri.ConferenceModify{MeetingID: "none"})
	if !errors.As(err, &refusal) || refusal.Reason != colibri.ReasonConferenceNotFound {
		t.Errorf("modify of an unknown conference: %v", err)
	}
	if _, err = f.Modify(in.ctx, b, &colibri.ConferenceModify{}); !errors.As(err, &refusal) || refusal.Condition != colibri.BadRequest {
		t.Errorf("modify without meeting id: %v", err)
	}
	closeClient(t, c, in.ctx)
	if err := f.WaitGone(in.ctx, "steg"); err != nil || c.Joined() {
		t.Errorf("after close: %v, joined %v", err, c.Joined())
	}
	if c.Disconnects() != 0 {
		t.Errorf("%d disconnects, want none", c.Disconnects())
	}
}

// Answers come when the bridge gives them, in whatever order.
func TestProsodyLateAnswers(t *testing.T) {
	in := install(t)
	in.bridge.keep = make(chan request, 8)
	f := in.focus()
	in.client(in.account())
	b, err := f.WaitBridge(in.ctx, "steg", nil)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan string, 2)
	ask := func(id string) {
		got, err := f.Modify(in.ctx, b, &colibri.ConferenceModify{MeetingID: id, Endpoints: []colibri.Endpoint{{ID: "e" + id}}})
		if err != nil {
			done <- err.Error()
			return
		}
		done <- got.Endpoints[0].ID
	}
	go ask("1")
	first := <-in.bridge.keep
	go ask("2")
	second := <-in.bridge.keep
	if err := f.Health(in.ctx, b); err != nil {
		t.Errorf("health with requests pending: %v", err)
	}
	second.answer(answerTo(second.req))
	if got := <-done; got != "e2" {
		t.Errorf("second request: %s", got)
	}
	first.answer(answerTo(first.req))
	if got := <-done; got != "e1" {
		t.Errorf("first request: %s", got)
	}
}

func TestProsodyRestart(t *testing.T) {
	in := install(t)
	c := in.client(in.account())
	if _, err := in.focus().WaitBridge(in.ctx, "steg", nil); err != nil {
		t.Fatal(err)
	}
	if err := in.Restart(); err != nil {
		t.Fatal(err)
	}
	f := in.focus()
	b, err := f.WaitBridge(in.ctx, "steg", nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, in.log)
	}
	if err := f.Health(in.ctx, b); err != nil {
		t.Errorf("health: %v", err)
	}
	if c.Disconnects() != 1 || in.log.count("lost the connection") != 1 {
		t.Errorf("%d disconnects, log:\n%s", c.Disconnects(), in.log)
	}
}

// The room is made by the bridge, so that it asks for the owner's form.
func TestProsodyNewRoom(t *testing.T) {
	in := install(t)
	a := in.account()
	a.MUCs = []string{in.Brewery(), "second@internal." + in.AuthDomain()}
	a.SkipVerify = true
	c := in.newClient(a)
	in.start(c)
	if _, err := in.focus().WaitBridge(in.ctx, "steg", nil); err != nil {
		t.Fatalf("%v\n%s", err, in.log)
	}
	if in.log.count("DISABLE_CERTIFICATE_VERIFICATION") != 1 || in.log.count("\n") != 1 {
		t.Errorf("log:\n%s", in.log)
	}
}

func TestProsodyRefusals(t *testing.T) {
	in := install(t)
	in.focus()
	for _, tc := range []struct {
		name   string
		change func(*configs.Account)
		line   string
	}{
		{"password", func(a *configs.Account) { a.Password = "wrong" }, "check USERNAME and PASSWORD"},
		{"domain", func(a *configs.Account) { a.Domain = "elsewhere.test" }, "does not serve the account's DOMAIN"},
		{"port", func(a *configs.Account) { a.Port = 1 }, "nothing listens"},
		{"host", func(a *configs.Account) { a.Host = "host.invalid" }, "cannot find the XMPP server's address"},
		{"nickname", func(a *configs.Account) { a.Nickname = prosody.FocusUser }, "MUC_NICKNAME is taken"},
		{"room service", func(a *configs.Account) { a.MUCs = []string{"brewery@nowhere." + in.AuthDomain()} }, "check MUC_JIDS"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sub := *in
			sub.t, sub.log = t, &logbook{}
			a := in.account()
			tc.change(&a)
			c := sub.client(a)
			sub.awaitLine(tc.line)
			time.Sleep(1200 * time.Millisecond) // the next try
			if n := sub.log.count(tc.line); n != 1 || c.Joined() {
				t.Errorf("%d lines, joined %v, log:\n%s", n, c.Joined(), sub.log)
			}
		})
	}
	t.Run("authority", func(t *testing.T) {
		sub := *in
		sub.t, sub.log = t, &logbook{}
		sub.start(sub.newClient(in.account()))
		sub.awaitLine("its authority is not trusted")
	})
}
