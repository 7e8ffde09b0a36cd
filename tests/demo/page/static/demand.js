// What this page asks of the bridge, what the bridge says about it, and why a
// picture is no better than it is.

const STAGE = 720;
const SCREEN = 1080;
const TILE = 180;
const SETTLE = 4000; // ms in which a change of layer is on its way

// gridHeight is what a tile asks for when nothing is on stage.
function gridHeight(tiles) {
  if (tiles <= 1) return STAGE;
  return tiles <= 4 ? 360 : TILE;
}

export class Demand {
  constructor(call) {
    this.call = call;
    this.stage = null; // source name
    this.override = null; // height for all, set by programs that watch the page
    this.hidden = new Set(); // source names that are not shown
    this.forwarded = null; // Set of source names, null until told
    this.inactive = new Set(); // endpoint ids
    this.layers = new Map(); // by source name, as its sender tells
    this.speaker = null;
    this.estimate = null; // bit/s
    this.changedAt = new Map(); // by source name: when the height asked for changed
    this.last = '';
  }

  videos() {
    return [...this.call.sources.values()].filter((s) => s.kind === 'video');
  }

  // height is what the page asks for of a source.
  height(source) {
    if (this.hidden.has(source.name)) return 0;
    if (this.override !== null) return this.override;
    if (this.stage === source.name) return source.videoType === 'desktop' ? SCREEN : STAGE;
    if (this.stage) return TILE;
    return gridHeight(this.videos().length);
  }

  // send tells the bridge, if anything changed or if all is to be repeated.
  send(again = false) {
    const constraints = {};
    for (const s of this.videos()) constraints[s.name] = { maxHeight: this.height(s) };
    const fields = {
      lastN: -1,
      selectedSources: [],
      onStageSources: this.stage && this.call.sources.has(this.stage) ? [this.stage] : [],
      defaultConstraints: { maxHeight: TILE },
      constraints,
      assumedBandwidthBps: -1,
    };
    const text = JSON.stringify(fields);
    if (!again && text === this.last) return;
    const before = this.last ? JSON.parse(this.last).constraints : {};
    for (const [name, c] of Object.entries(constraints)) {
      if (before[name]?.maxHeight !== c.maxHeight) this.changedAt.set(name, Date.now());
    }
    this.last = text;
    this.call.channel.send('ReceiverVideoConstraints', fields);
  }

  // take notes what the bridge, or another page, says. It returns true if the
  // display may have to change.
  take(m) {
    switch (m.colibriClass) {
      case 'ForwardedSources':
        this.forwarded = new Set(m.forwardedSources);
        return true;
      case 'DominantSpeakerEndpointChangeEvent':
        this.speaker = m.dominantSpeakerEndpoint;
        return true;
      case 'EndpointConnectivityStatusChangeEvent':
        this.inactive[m.active === 'true' ? 'delete' : 'add'](m.endpoint);
        return true;
      case 'ConnectionStats':
        this.estimate = m.estimatedDownlinkBandwidth;
        return true;
      case 'EndpointMessage':
        if (m.msgPayload?.type !== 'layers') return false;
        for (const [name, l] of Object.entries(m.msgPayload.sources ?? {})) this.layers.set(name, l);
        return true;
      default:
        return false;
    }
  }

  // reason says why a source's picture is as it is: a key of the texts and a
  // height. figures are those of the meter, undefined if nothing came yet.
  reason(source, figures) {
    const owner = this.call.endpoints.find((e) => e.id === source.owner);
    const wanted = this.height(source);
    const got = figures?.height ?? 0;
    if (source.videoType !== 'desktop' && owner && !owner.video) return ['cameraOff'];
    if (this.inactive.has(source.owner)) return ['inactive'];
    if (wanted === 0) return ['hidden'];
    const settling = Date.now() - (this.changedAt.get(source.name) ?? 0) < SETTLE;
    if (this.forwarded && !this.forwarded.has(source.name) && !settling) return ['notForwarded'];
    if (got === 0 || figures.fps === 0) return ['waiting'];
    if (got >= wanted) return ['asked', wanted];
    const sender = this.layers.get(source.name);
    if (sender) {
      if (sender.full <= got) return sender.full < wanted ? ['senderLayers', sender.full] : ['asked', wanted];
      const top = Math.max(0, ...sender.active);
      if (top <= got && sender.limit === 'bandwidth') return ['senderBandwidth', top];
      if (top <= got && sender.limit === 'cpu') return ['senderCPU', top];
    }
    return settling ? ['switching', wanted] : ['bandwidth', wanted];
  }
}
