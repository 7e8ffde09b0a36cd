package rest

import (
	"net/url"
	"strings"
	"testing"
)

func TestParsePath(t *testing.T) {
	tests := []struct {
		name, path string
		want       socketAddress
		ok         bool
	}{
		{"as advertised", "/colibri-ws/jvb1/3f2a/9a2be471", socketAddress{"jvb1", "3f2a", "9a2be471"}, true},
		{"two parts", "/colibri-ws/jvb1/3f2a", socketAddress{}, false},
		{"empty endpoint", "/colibri-ws/jvb1/3f2a/", socketAddress{}, false},
		{"empty conference", "/colibri-ws/jvb1//9a2be471", socketAddress{}, false},
		{"four parts", "/colibri-ws/jvb1/3f2a/9a2be471/x", socketAddress{}, false},
		{"relay", "/colibri-relay-ws/jvb1/3f2a/9a2be471", socketAddress{}, false},
		{"long part", "/colibri-ws/jvb1/3f2a/" + strings.Repeat("x", 257), socketAddress{}, false},
		{"nothing", "", socketAddress{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := parsePath(tt.path)
			if got != tt.want || ok != tt.ok {
				t.Errorf("got %v %v, want %v %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestParsePassword(t *testing.T) {
	tests := []struct {
		name, query, want string
		ok                bool
	}{
		{"alone", "pwd=s3cret", "s3cret", true},
		{"first", "pwd=s3cret&x=1", "s3cret", true},
		{"escaped", "pwd=a%2Bb", "a+b", true},
		{"not first", "x=1&pwd=s3cret", "", false},
		{"empty", "pwd=", "", false},
		{"absent", "", "", false},
		{"other name", "pwdx=1", "", false},
		{"bad escape", "pwd=%zz", "", false},
		{"long", "pwd=" + strings.Repeat("x", 257), strings.Repeat("x", 257), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := parsePassword(tt.query)
			if got != tt.want || ok != tt.ok {
				t.Errorf("got %q %v, want %q %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func FuzzAddress(f *testing.F) {
	f.Add("/colibri-ws/jvb1/3f2a/9a2be471?pwd=s3cret")
	f.Add("/colibri-ws/jvb1/3f2a/9a2be471?pwd=s3%20cret&x=1")
	f.Add("/colibri-ws/a%2Fb/%2e%2e/c?pwd=%zz")
	f.Fuzz(func(t *testing.T, text string) {
		u, err := url.Parse(text)
		if err != nil {
			return
		}
		if a, ok := parsePath(u.Path); ok && endpointPath+a.server+"/"+a.conference+"/"+a.endpoint != u.Path {
			t.Errorf("%q became %v", u.Path, a)
		}
		password, ok := parsePassword(u.RawQuery)
		if ok && (password == "" || len(password) > maxID) {
			t.Errorf("%q gave password %q", u.RawQuery, password)
		}
	})
}
