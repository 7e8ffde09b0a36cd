// Session descriptions: simulcast is added to the local one, sources are read
// from it. The bridge has to know the SSRCs of each encoding, and browsers
// name them only for simulcast that is written into the description by hand.

const ENCODINGS = 3;

// sections splits a description into its session part and its media sections.
function sections(sdp) {
  return sdp.split(/\r\n(?=m=)/).map((s) => s.replace(/(\r\n)+$/, '').split('\r\n'));
}

function join(parts) {
  return parts.map((lines) => lines.join('\r\n')).join('\r\n') + '\r\n';
}

function section(parts, mid) {
  return parts.find((lines) => lines.includes(`a=mid:${mid}`));
}

function randomSSRC(taken) {
  const word = new Uint32Array(1);
  do {
    crypto.getRandomValues(word);
  } while (word[0] === 0 || taken.has(word[0]));
  taken.add(word[0]);
  return word[0];
}

// groups returns the ssrc-group lines of a section: [{semantics, ssrcs}].
function groups(lines) {
  return lines
    .map((l) => /^a=ssrc-group:(\S+) (.+)$/.exec(l))
    .filter(Boolean)
    .map((m) => ({ semantics: m[1], ssrcs: m[2].trim().split(/\s+/).map(Number) }));
}

function ssrcs(lines) {
  const found = new Set();
  for (const l of lines) {
    const m = /^a=ssrc:(\d+) /.exec(l);
    if (m) found.add(Number(m[1]));
  }
  return [...found];
}

// addSimulcast turns the single stream of a section into three encodings, each
// with its retransmission stream. memory keeps the numbers, so that they stay
// the same in each later description.
export function addSimulcast(sdp, mid, memory) {
  const parts = sections(sdp);
  const lines = section(parts, mid);
  if (!lines) return sdp;
  const have = groups(lines);
  const present = ssrcs(lines);
  if (present.length === 0 || have.some((g) => g.semantics === 'SIM')) return sdp;
  const fid = have.find((g) => g.semantics === 'FID');
  const primary = fid ? fid.ssrcs[0] : present[0];
  if (memory.video?.[0] !== primary) {
    const taken = new Set(parts.flatMap(ssrcs));
    const more = () => Array.from({ length: ENCODINGS - 1 }, () => randomSSRC(taken));
    memory.video = [primary, ...more()];
    memory.rtx = fid ? [fid.ssrcs[1], ...more()] : [];
  }
  const attributes = lines
    .map((l) => /^a=ssrc:(\d+) (.+)$/.exec(l))
    .filter((m) => m && Number(m[1]) === primary)
    .map((m) => m[2]);
  const added = [`a=ssrc-group:SIM ${memory.video.join(' ')}`];
  memory.rtx.forEach((rtx, i) => added.push(`a=ssrc-group:FID ${memory.video[i]} ${rtx}`));
  for (const ssrc of [...memory.video, ...memory.rtx]) {
    for (const a of attributes) added.push(`a=ssrc:${ssrc} ${a}`);
  }
  const kept = lines.filter((l) => !/^a=ssrc(-group)?:/.test(l));
  lines.splice(0, lines.length, ...kept, ...added);
  return join(parts);
}

// streams reads the SSRCs of one section of a local description, in the form
// that the signalling server takes for a source.
export function streams(sdp, mid) {
  const lines = section(sections(sdp), mid);
  if (!lines) return { ssrcs: [], groups: [] };
  return { ssrcs: ssrcs(lines), groups: groups(lines) };
}
