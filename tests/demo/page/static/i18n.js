// Words in the language of the browser: German or English.

const texts = {
  en: {
    tagline: 'Video conference over a Steg bridge',
    yourName: 'Your name',
    room: 'Room',
    join: 'Join',
    joining: 'Joining …',
    leave: 'Leave',
    again: 'Join again',
    left: 'You have left the conference.',
    mic: 'Microphone',
    camera: 'Camera',
    screen: 'Share screen',
    details: 'Figures',
    people: (n) => (n === 1 ? 'nobody else here' : `${n} people`),
    you: 'you',
    screenOf: (n) => `${n}: screen`,
    alone: 'You are alone. Open this page in a second tab or on a second device.',
    toStage: 'Click to enlarge',
    fromStage: 'Click to shrink',
    connecting: 'connecting …',
    connected: 'connected',
    disconnected: 'connection lost',
    noMedia: 'No camera or microphone was given to this page; you can still watch and listen.',
    error: 'That did not work:',
    loss: 'lost',
    fps: 'fps',
    estimate: (r) => `room for ${r}`,
    unlimited: 'no limit known',
    via: (k) => (k === 'websocket' ? 'messages over WebSocket' : 'messages over data channel'),
    sends: 'sends',
    paused: 'paused: nobody is watching',
    bridgeAsks: (h) => `bridge wants up to ${h}p`,
    bridgeAsksAll: 'bridge wants everything',
    reason: {
      asked: (h) => `as asked for: ${h}p`,
      cameraOff: () => 'camera is off',
      inactive: () => 'no packets from this person',
      lastN: () => 'not among the videos asked for',
      notForwarded: () => 'not sent by the bridge: too little bandwidth',
      waiting: () => 'waiting for the first picture',
      switching: (h) => `going to ${h}p`,
      senderBandwidth: (h) => `sender's line allows ${h}p`,
      senderCPU: (h) => `sender's computer manages ${h}p`,
      senderLayers: (h) => `sender offers ${h}p at most`,
      bandwidth: (h) => `less than the ${h}p asked for: bandwidth`,
      hidden: () => 'not shown, not asked for',
    },
  },
  de: {
    tagline: 'Videokonferenz über eine Steg-Bridge',
    yourName: 'Ihr Name',
    room: 'Raum',
    join: 'Teilnehmen',
    joining: 'Einen Moment …',
    leave: 'Verlassen',
    again: 'Wieder teilnehmen',
    left: 'Sie haben die Konferenz verlassen.',
    mic: 'Mikrofon',
    camera: 'Kamera',
    screen: 'Bildschirm teilen',
    details: 'Werte',
    people: (n) => (n === 1 ? 'niemand sonst hier' : `${n} Personen`),
    you: 'Sie',
    screenOf: (n) => `${n}: Bildschirm`,
    alone: 'Sie sind allein. Öffnen Sie diese Seite in einem zweiten Tab oder auf einem zweiten Gerät.',
    toStage: 'Klicken zum Vergrößern',
    fromStage: 'Klicken zum Verkleinern',
    connecting: 'verbindet …',
    connected: 'verbunden',
    disconnected: 'Verbindung verloren',
    noMedia: 'Die Seite hat weder Kamera noch Mikrofon bekommen; zusehen und zuhören geht trotzdem.',
    error: 'Das hat nicht geklappt:',
    loss: 'verloren',
    fps: 'B/s',
    estimate: (r) => `Platz für ${r}`,
    unlimited: 'keine Grenze bekannt',
    via: (k) => (k === 'websocket' ? 'Nachrichten über WebSocket' : 'Nachrichten über Datenkanal'),
    sends: 'sendet',
    paused: 'pausiert: niemand sieht zu',
    bridgeAsks: (h) => `Bridge möchte bis ${h}p`,
    bridgeAsksAll: 'Bridge möchte alles',
    reason: {
      asked: (h) => `wie verlangt: ${h}p`,
      cameraOff: () => 'Kamera ist aus',
      inactive: () => 'von dieser Person kommt nichts an',
      lastN: () => 'gehört nicht zu den verlangten Bildern',
      notForwarded: () => 'von der Bridge nicht gesendet: zu wenig Bandbreite',
      waiting: () => 'wartet auf das erste Bild',
      switching: (h) => `wechselt auf ${h}p`,
      senderBandwidth: (h) => `Leitung des Absenders erlaubt ${h}p`,
      senderCPU: (h) => `Rechner des Absenders schafft ${h}p`,
      senderLayers: (h) => `Absender bietet höchstens ${h}p`,
      bandwidth: (h) => `weniger als die verlangten ${h}p: Bandbreite`,
      hidden: () => 'nicht zu sehen, nicht verlangt',
    },
  },
};

const wanted = new URLSearchParams(location.search).get('lang') ?? navigator.language;
export const language = wanted.startsWith('de') ? 'de' : 'en';
export const t = texts[language];

const one = new Intl.NumberFormat(language, { maximumFractionDigits: 1, minimumFractionDigits: 1 });
const none = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });

// rate writes bits per second.
export function rate(bitsPerSecond) {
  if (bitsPerSecond >= 950000) return `${one.format(bitsPerSecond / 1e6)} Mbit/s`;
  return `${none.format(bitsPerSecond / 1000)} kbit/s`;
}

// percent writes a fraction.
export function percent(fraction) {
  const p = 100 * fraction;
  return `${p > 0 && p < 9.95 ? one.format(p) : none.format(p)} %`;
}

export function whole(n) {
  return none.format(n);
}
