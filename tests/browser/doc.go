// Package browser drives headless Chromium for tests: one process with fake
// camera and microphone, any number of tabs, JavaScript evaluated in them.
// Isolate puts a whole test program, with all it starts, into a network
// namespace of its own, because browsers gather no candidates on loopback and
// tests are to reach nothing outside.
//
// The tests of the package are calls over a whole bridge. Start reading at
// call_test.go.
package browser
