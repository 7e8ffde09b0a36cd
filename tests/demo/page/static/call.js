// One call: signalling with the page's server, one peer connection with the
// bridge, the bridge channel, and what this page sends. No display.

import { addSimulcast, streams } from './sdp.js';
import { Channel } from './channel.js';

// The first media sections belong to what this page sends; the server's offer
// has them in this order.
const MID = { audio: '0', camera: '1', screen: '2' };

// Encodings of the camera in rising quality, with their shares of the picture.
const CAMERA = [
  { scaleResolutionDownBy: 4, maxBitrate: 200e3 },
  { scaleResolutionDownBy: 2, maxBitrate: 500e3 },
  { scaleResolutionDownBy: 1, maxBitrate: 1500e3 },
];
// What one layered stream is made of, by the height that is wanted.
const LAYERED = [
  { scaleResolutionDownBy: 4, maxBitrate: 150e3, scalabilityMode: 'L1T3' },
  { scaleResolutionDownBy: 2, maxBitrate: 400e3, scalabilityMode: 'L2T3_KEY' },
  { scaleResolutionDownBy: 1, maxBitrate: 1500e3, scalabilityMode: 'L3T3_KEY' },
];
const CAPTURE = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 25 } };
const SCREEN_BITRATE = 1500e3;

export class Call extends EventTarget {
  constructor({ name, room, channel, codec }) {
    super();
    this.options = { name, room, channel, codec: (codec ?? 'vp8').toLowerCase() };
    this.id = null;
    this.endpoints = []; // of the server: [{id, name, audio, video, screen}]
    this.sources = new Map(); // remote, by name: {name, owner, kind, videoType, mid}
    this.tracks = new Map(); // remote, by mid
    this.channel = new Channel();
    this.local = { audio: null, camera: null, screen: null }; // tracks
    this.asked = new Map(); // by own source: height that the bridge wants
    this.simulcast = {};
    this.work = Promise.resolve(); // offers are handled one after the other
    this.ended = false;
    this.channel.addEventListener('message', (e) => this.#fromBridge(e.detail));
    this.channel.addEventListener('open', () => this.#announce());
  }

  get audioName() { return `${this.id}-a0`; }
  get cameraName() { return `${this.id}-v0`; }
  get screenName() { return `${this.id}-v1`; }

  // capture asks for camera and microphone; either may be refused.
  async capture() {
    const wants = [{ audio: true, video: CAPTURE }, { audio: true }, { video: CAPTURE }];
    for (const w of wants) {
      try {
        const stream = await navigator.mediaDevices.getUserMedia(w);
        this.local.audio = stream.getAudioTracks()[0] ?? null;
        this.local.camera = stream.getVideoTracks()[0] ?? null;
        return true;
      } catch {
        // the next best
      }
    }
    return false;
  }

  join() {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    this.signal = new WebSocket(`${scheme}://${location.host}/signal`);
    this.signal.onopen = () => this.#tell('join', { ...this.options, ...this.#state() });
    this.signal.onmessage = (e) => this.#fromServer(JSON.parse(e.data));
    this.signal.onclose = () => this.#end();
  }

  leave() {
    this.#tell('leave', {});
    this.#end();
  }

  #end() {
    if (this.ended) return;
    this.ended = true;
    this.signal?.close();
    this.channel.close();
    this.pc?.close();
    for (const t of Object.values(this.local)) t?.stop();
    this.#emit('end');
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #tell(type, fields) {
    if (this.signal?.readyState === WebSocket.OPEN) this.signal.send(JSON.stringify({ type, ...fields }));
  }

  #fromServer(m) {
    switch (m.type) {
      case 'welcome':
        this.id = m.id;
        this.#connect(m);
        return this.#emit('joined');
      case 'roster':
        this.endpoints = m.endpoints;
        return this.#emit('change');
      case 'offer':
        this.work = this.work.then(() => this.#answer(m)).catch((e) => this.#emit('problem', String(e)));
        return;
      case 'error':
        return this.#emit('problem', m.text);
    }
  }

  #connect({ sctp, webSocket }) {
    this.pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    this.pc.ontrack = (e) => {
      this.tracks.set(e.transceiver.mid, e.track);
      this.#emit('change');
    };
    this.pc.onconnectionstatechange = () => this.#emit('change');
    if (sctp) this.channel.overSCTP(this.pc);
    else if (webSocket) this.channel.overWebSocket(webSocket);
  }

  // 1. take the offer, 2. attach own tracks, 3. answer with simulcast,
  // 4. tell the server the own streams, 5. set what the encoders may do.
  async #answer({ revision, sdp, sources }) {
    await this.pc.setRemoteDescription({ type: 'offer', sdp });
    for (const [kind, mid] of Object.entries(MID)) {
      const tr = this.#transceiver(mid);
      if (tr.direction !== 'sendonly') {
        tr.direction = 'sendonly';
        await tr.sender.replaceTrack(this.local[kind]);
      }
    }
    const answer = await this.pc.createAnswer();
    if (!this.#layered()) answer.sdp = addSimulcast(answer.sdp, MID.camera, this.simulcast);
    await this.pc.setLocalDescription(answer);
    this.sources = new Map(sources.map((s) => [s.name, s]));
    this.#tell('answer', { revision, sdp: answer.sdp, sources: this.#ownSources() });
    await this.applyEncodings();
    this.#emit('change');
  }

  #transceiver(mid) {
    return this.pc.getTransceivers().find((t) => t.mid === mid);
  }

  // layered tells whether one stream of the codec carries all layers.
  #layered() {
    return this.options.codec === 'vp9' || this.options.codec === 'av1';
  }

  #ownSources() {
    const sdp = this.pc.localDescription.sdp;
    const list = [
      { name: this.audioName, kind: 'audio', ...streams(sdp, MID.audio) },
      { name: this.cameraName, kind: 'video', videoType: 'camera', ...streams(sdp, MID.camera) },
    ];
    if (this.local.screen) {
      list.push({ name: this.screenName, kind: 'video', videoType: 'desktop', ...streams(sdp, MID.screen) });
    }
    return list.filter((s) => s.ssrcs.length > 0);
  }

  #state() {
    const on = (t) => Boolean(t && t.enabled && t.readyState === 'live');
    return { audio: on(this.local.audio), video: on(this.local.camera), screen: on(this.local.screen) };
  }

  get state() { return this.#state(); }

  // announce repeats to the bridge what it has to know after each opening.
  #announce() {
    const { video, screen } = this.#state();
    this.channel.send('SourceVideoTypeMessage', { sourceName: this.cameraName, videoType: video ? 'camera' : 'none' });
    if (screen) this.channel.send('SourceVideoTypeMessage', { sourceName: this.screenName, videoType: 'desktop' });
    this.#emit('open');
  }

  #changed() {
    this.#tell('state', this.#state());
    this.#announce();
    this.#emit('change');
  }

  setMicrophone(on) {
    if (this.local.audio) this.local.audio.enabled = on;
    this.#changed();
  }

  async setCamera(on) {
    const track = this.local.camera;
    if (!track) return;
    track.enabled = on;
    // Without a track nothing is sent; a track that is off would send black.
    await this.#transceiver(MID.camera)?.sender.replaceTrack(on ? track : null);
    await this.applyEncodings();
    this.#changed();
  }

  async setScreen(on) {
    this.local.screen?.stop();
    this.local.screen = null;
    if (on) {
      const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { max: 15 } } });
      this.local.screen = stream.getVideoTracks()[0];
      this.local.screen.contentHint = 'detail';
      this.local.screen.onended = () => this.setScreen(false);
    }
    await this.#transceiver(MID.screen).sender.replaceTrack(this.local.screen);
    this.#tell('sources', { sources: this.#ownSources() });
    await this.applyEncodings();
    this.#changed();
  }

  #fromBridge(m) {
    if (m.colibriClass === 'SenderSourceConstraints') {
      this.asked.set(m.sourceName, m.maxHeight);
      this.applyEncodings();
    }
    this.#emit('message', m);
  }

  // applyEncodings switches encodings on and off as the bridge wants them:
  // one is needed if it, or a smaller one, is not yet as high as asked for.
  async applyEncodings() {
    if (this.applying) {
      this.applyAgain = true;
      return;
    }
    this.applying = true;
    do {
      this.applyAgain = false;
      try {
        await this.#apply();
      } catch (e) {
        console.warn('set parameters:', e.name);
      }
    } while (this.applyAgain);
    this.applying = false;
  }

  async #apply() {
    const camera = this.#transceiver(MID.camera)?.sender;
    if (camera) {
      const p = camera.getParameters();
      const height = this.local.camera?.getSettings().height ?? 720;
      const asked = this.asked.get(this.cameraName) ?? -1;
      p.encodings.forEach((e, i) => {
        if (this.#layered()) {
          const fits = LAYERED.findIndex((l) => asked >= 0 && height / l.scaleResolutionDownBy >= asked);
          Object.assign(e, LAYERED[fits < 0 ? LAYERED.length - 1 : fits], { active: asked !== 0 });
          return;
        }
        const lower = i === 0 ? 0 : height / CAMERA[i - 1].scaleResolutionDownBy;
        Object.assign(e, CAMERA[i], { scalabilityMode: 'L1T3', active: asked < 0 || lower < asked });
      });
      if (p.encodings.length > 0) await camera.setParameters(p);
    }
    const screen = this.#transceiver(MID.screen)?.sender;
    if (screen && this.local.screen) {
      const p = screen.getParameters();
      p.degradationPreference = 'maintain-resolution';
      for (const e of p.encodings) {
        e.active = (this.asked.get(this.screenName) ?? -1) !== 0;
        e.maxBitrate = SCREEN_BITRATE;
      }
      if (p.encodings.length > 0) await screen.setParameters(p);
    }
  }
}
