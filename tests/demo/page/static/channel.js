// The bridge channel: JSON messages between this page and the bridge, over an
// SCTP data channel or over a websocket.

const LABEL = 'JVB data channel';
const PROTOCOL = 'http://jitsi.org/protocols/colibri';
const RETRY_FIRST = 1000; // ms, doubled up to RETRY_MOST
const RETRY_MOST = 60000;

export class Channel extends EventTarget {
  constructor() {
    super();
    this.kind = 'none'; // sctp or websocket
    this.carrier = null;
    this.closed = false;
    this.counts = {}; // messages received, by class
  }

  // overSCTP opens a data channel on a peer connection.
  overSCTP(pc) {
    this.kind = 'sctp';
    const dc = pc.createDataChannel(LABEL, { protocol: PROTOCOL });
    this.carrier = dc;
    dc.onopen = () => this.#opened();
    dc.onclose = () => this.dispatchEvent(new Event('close'));
    dc.onmessage = (e) => this.#received(e.data);
  }

  // overWebSocket dials the bridge, again and again until close is called.
  overWebSocket(url, wait = RETRY_FIRST) {
    this.kind = 'websocket';
    const ws = new WebSocket(url);
    this.carrier = ws;
    ws.onopen = () => {
      wait = RETRY_FIRST;
      this.#opened();
    };
    ws.onmessage = (e) => this.#received(e.data);
    ws.onclose = () => {
      this.dispatchEvent(new Event('close'));
      if (this.closed) return;
      setTimeout(() => this.closed || this.overWebSocket(url, Math.min(2 * wait, RETRY_MOST)), wait);
    };
  }

  get open() {
    const state = this.carrier?.readyState;
    return state === 'open' || state === WebSocket.OPEN;
  }

  // send sends one message; it is lost when the channel is not open, as every
  // message is state that is sent again when the channel opens.
  send(colibriClass, fields) {
    if (this.open) this.carrier.send(JSON.stringify({ colibriClass, ...fields }));
  }

  close() {
    this.closed = true;
    this.carrier?.close();
  }

  #opened() {
    this.dispatchEvent(new Event('open'));
  }

  #received(text) {
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return;
    }
    this.counts[message.colibriClass] = (this.counts[message.colibriClass] ?? 0) + 1;
    this.dispatchEvent(new CustomEvent('message', { detail: message }));
  }
}
