// Package privacy proves that nothing which identifies a participant leaves
// the bridge by any other way than to those the participant talks to. Its test
// runs a whole call through Prosody, with everything that can go wrong in one,
// and then searches every byte that the process gave out.
package privacy
