// Figures: what arrives and what is sent, from the browser's statistics.

// Meter turns counters into rates between two readings.
export class Meter {
  constructor(call) {
    this.call = call;
    this.before = new Map();
    this.received = new Map(); // by mid
    this.sent = []; // encodings of camera and screen
  }

  // read takes a reading. It is called about once a second.
  async read() {
    const pc = this.call.pc;
    if (!pc || pc.connectionState === 'closed') return;
    const report = await pc.getStats();
    const received = new Map();
    const sent = [];
    const now = new Map();
    for (const s of report.values()) {
      if (s.type !== 'inbound-rtp' && s.type !== 'outbound-rtp') continue;
      now.set(s.id, s);
      const was = this.before.get(s.id);
      if (s.type === 'inbound-rtp') received.set(s.mid, inbound(s, was));
      else if (s.kind === 'video') sent.push(outbound(s, was));
    }
    this.before = now;
    this.received = received;
    this.sent = sent.sort((a, b) => a.mid.localeCompare(b.mid) || a.height - b.height || a.ssrc - b.ssrc);
  }
}

// perSecond is the growth of a counter per second since the last reading.
function perSecond(s, was, key) {
  if (!was || s.timestamp <= was.timestamp) return 0;
  return Math.max(0, ((s[key] ?? 0) - (was[key] ?? 0)) / ((s.timestamp - was.timestamp) / 1000));
}

function inbound(s, was) {
  const lost = was ? (s.packetsLost ?? 0) - (was.packetsLost ?? 0) : 0;
  const got = was ? (s.packetsReceived ?? 0) - (was.packetsReceived ?? 0) : 0;
  return {
    kind: s.kind,
    height: s.frameHeight ?? 0,
    width: s.frameWidth ?? 0,
    fps: perSecond(s, was, 'framesDecoded'),
    framesDecoded: s.framesDecoded ?? 0,
    bitsPerSecond: 8 * perSecond(s, was, 'bytesReceived'),
    loss: lost > 0 ? lost / (lost + got) : 0,
    audioLevel: s.audioLevel ?? 0,
    audioEnergy: s.totalAudioEnergy ?? 0,
    packets: s.packetsReceived ?? 0,
    freezes: s.freezeCount ?? 0,
  };
}

function outbound(s, was) {
  const bitsPerSecond = 8 * perSecond(s, was, 'bytesSent');
  return {
    mid: s.mid,
    ssrc: s.ssrc,
    active: Boolean(s.active) && bitsPerSecond > 0,
    height: s.frameHeight ?? 0,
    fps: perSecond(s, was, 'framesEncoded'),
    bitsPerSecond,
    limit: s.qualityLimitationReason ?? 'none',
    encoder: s.encoderImplementation ?? '',
  };
}

// snapshot reads the counters of a call at this moment, for programs that
// watch it. Nothing in it depends on an earlier reading.
export async function snapshot(call) {
  const byMID = new Map();
  const sent = [];
  let uplink = 0;
  const report = await call.pc.getStats();
  for (const s of report.values()) {
    if (s.type === 'inbound-rtp') byMID.set(s.mid, { ...inbound(s), codec: report.get(s.codecId)?.mimeType ?? '' });
    if (s.type === 'candidate-pair' && s.nominated) uplink = s.availableOutgoingBitrate ?? 0;
    if (s.type === 'outbound-rtp') {
      sent.push({
        ssrc: s.ssrc, mid: s.mid, kind: s.kind, packets: s.packetsSent ?? 0, active: s.active ?? true, height: s.frameHeight ?? 0,
        frames: s.framesEncoded ?? 0, target: s.targetBitrate ?? 0, limit: s.qualityLimitationReason ?? '', keyframeRequests: s.pliCount ?? 0,
      });
    }
  }
  const sources = [...call.sources.values()].map((s) => ({
    ...s, track: call.tracks.get(s.mid)?.readyState ?? '', ...byMID.get(s.mid),
  }));
  return {
    id: call.id,
    connection: call.pc.connectionState,
    channel: call.channel.kind,
    channelOpen: call.channel.open,
    messages: call.channel.counts,
    endpoints: call.endpoints,
    asked: Object.fromEntries(call.asked),
    sources,
    sent,
    uplink,
  };
}
