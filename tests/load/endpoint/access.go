package endpoint

import (
	"errors"
	"net/netip"
)

// Addr is the address from which the endpoint sends.
func (e *Endpoint) Addr() netip.Addr { return e.addr }

// SendText writes any text to the bridge channel, also what is no message.
func (e *Endpoint) SendText(text []byte) error {
	e.mu.Lock()
	channel := e.secure.channel
	e.mu.Unlock()
	if channel == nil {
		return errors.New("no bridge channel")
	}
	_, err := channel.WriteDataChannel(text, true)
	return err
}
