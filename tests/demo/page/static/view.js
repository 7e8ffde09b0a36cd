// Tiles: one for each person and for each shared screen.

import { t, rate, percent, whole } from './i18n.js';

const RATIO = 16 / 9; // of a tile

function element(tag, className, text) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
}

function initials(name) {
  const words = name.trim().split(/\s+/).filter(Boolean);
  return words.slice(0, 2).map((w) => [...w][0].toUpperCase()).join('') || '?';
}

class Tile {
  constructor(key, onclick) {
    this.key = key;
    this.root = element('article', 'tile');
    this.root.dataset.source = key;
    this.video = element('video');
    this.video.autoplay = this.video.playsInline = this.video.muted = true;
    this.avatar = element('div', 'avatar');
    this.name = element('span', 'name');
    this.muted = element('span', 'muted');
    this.muted.innerHTML = '<svg viewBox="0 0 24 24" aria-hidden="true"><use href="#icon-mic-off"/></svg>';
    this.level = element('span', 'level');
    const label = element('div', 'label');
    label.append(this.level, this.name, this.muted);
    this.figures = element('div', 'figures');
    this.badge = element('span', 'badge');
    this.numbers = element('span', 'numbers');
    this.why = element('div', 'why');
    const row = element('div', 'row');
    row.append(this.badge, this.numbers);
    this.figures.append(row, this.why);
    this.root.append(this.video, this.avatar, this.figures, label);
    if (onclick) {
      const hit = element('button', 'hit');
      hit.type = 'button';
      hit.onclick = () => onclick(key);
      this.hit = hit;
      this.root.append(hit);
    }
  }

  // show sets all that is on the tile.
  show({ name, track, picture, micOff, speaking, stage, badge, numbers, why, level, mirror }) {
    this.name.textContent = name;
    this.avatar.textContent = initials(name);
    if (this.video.srcObject?.getTracks()[0] !== (track ?? undefined)) {
      this.video.srcObject = track ? new MediaStream([track]) : null;
    }
    this.root.classList.toggle('picture', Boolean(picture));
    this.root.classList.toggle('speaking', Boolean(speaking));
    this.root.classList.toggle('stage', Boolean(stage));
    this.root.classList.toggle('mirror', Boolean(mirror));
    this.muted.hidden = !micOff;
    this.level.style.setProperty('--level', Math.min(1, Math.sqrt(level ?? 0)).toFixed(2));
    this.badge.textContent = badge;
    this.badge.hidden = !badge;
    this.numbers.textContent = numbers;
    this.why.textContent = why;
    if (this.hit) {
      const title = stage ? t.fromStage : t.toStage;
      this.hit.title = title;
      this.hit.setAttribute('aria-label', `${name}: ${title}`);
    }
  }
}

export class View {
  constructor(grid, audio) {
    this.grid = grid;
    this.audio = audio; // element that holds the audio players
    this.tiles = new Map();
    this.players = new Map();
    new ResizeObserver(() => this.#fit()).observe(grid);
  }

  // fit makes the tiles as large as they can be, all of one size.
  #fit() {
    const n = Math.max(1, this.tiles.size);
    const style = getComputedStyle(this.grid);
    const gap = parseFloat(style.columnGap) || 0;
    const width = this.grid.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const height = this.grid.clientHeight;
    let best = 0;
    for (let columns = 1; columns <= n; columns++) {
      const rows = Math.ceil(n / columns);
      const wide = (width - gap * (columns - 1)) / columns;
      const high = ((height - gap * (rows - 1)) / rows) * RATIO;
      best = Math.max(best, Math.min(wide, high));
    }
    this.grid.style.setProperty('--tile-width', `${Math.floor(best)}px`);
  }

  // render brings the tiles up to date.
  render({ call, demand, meter, name, onclick }) {
    const wanted = new Map();
    for (const ep of call.endpoints) {
      if (ep.id === call.id) continue;
      wanted.set(`${ep.id}-v0`, () => this.#remote({ call, demand, meter, ep, source: call.sources.get(`${ep.id}-v0`) }));
    }
    for (const s of demand.videos()) {
      if (s.videoType !== 'desktop') continue;
      const ep = call.endpoints.find((e) => e.id === s.owner);
      if (ep) wanted.set(s.name, () => this.#remote({ call, demand, meter, ep, source: s }));
    }
    wanted.set('own', () => this.#own({ call, demand, meter, name }));
    for (const [key, tile] of this.tiles) {
      if (wanted.has(key)) continue;
      tile.root.remove();
      this.tiles.delete(key);
    }
    for (const [key, content] of wanted) {
      let tile = this.tiles.get(key);
      if (!tile) {
        tile = new Tile(key, key === 'own' ? null : onclick);
        this.grid.insertBefore(tile.root, this.tiles.get('own')?.root ?? null);
        this.tiles.set(key, tile);
      }
      tile.show(content());
    }
    this.grid.classList.toggle('staged', Boolean(demand.stage && this.tiles.has(demand.stage)));
    this.grid.style.setProperty('--tiles', this.tiles.size);
    this.#fit();
    this.#play(call);
  }

  #remote({ call, demand, meter, ep, source }) {
    const screen = source?.videoType === 'desktop';
    const figures = source && meter.received.get(source.mid);
    const audio = call.sources.get(`${ep.id}-a0`);
    const sound = audio && meter.received.get(audio.mid);
    const [key, height] = source ? demand.reason(source, figures) : ['cameraOff'];
    const off = ['cameraOff', 'notForwarded', 'hidden', 'inactive', 'waiting'].includes(key);
    const flowing = figures && figures.bitsPerSecond > 0 && figures.height > 0;
    const loss = Math.max(figures?.loss ?? 0, screen ? 0 : sound?.loss ?? 0);
    const bits = (figures?.bitsPerSecond ?? 0) + (screen ? 0 : sound?.bitsPerSecond ?? 0);
    return {
      name: screen ? t.screenOf(ep.name) : ep.name,
      track: source && call.tracks.get(source.mid),
      picture: !off || (flowing && key !== 'cameraOff'),
      micOff: !screen && !ep.audio,
      speaking: !screen && demand.speaker === ep.id,
      stage: source && demand.stage === source.name,
      level: screen ? 0 : sound?.audioLevel,
      badge: flowing ? `${figures.height}p` : '',
      numbers: [flowing && `${whole(figures.fps)} ${t.fps}`, bits > 0 && rate(bits), bits > 0 && `${percent(loss)} ${t.loss}`]
        .filter(Boolean).join(' · '),
      why: t.reason[key](height),
    };
  }

  #own({ call, demand, meter, name }) {
    const state = call.state;
    const active = meter.sent.filter((e) => e.active && e.height > 0);
    const asked = call.asked.get(call.cameraName);
    const bits = active.reduce((sum, e) => sum + e.bitsPerSecond, 0);
    let why = '';
    if (state.video && asked === 0) why = t.paused;
    else if (state.video && asked > 0) why = t.bridgeAsks(asked);
    else if (state.video && asked < 0) why = t.bridgeAsksAll;
    else if (!state.video) why = t.reason.cameraOff();
    return {
      name: `${name} (${t.you})`,
      track: call.local.camera,
      picture: state.video,
      mirror: true,
      micOff: !state.audio,
      speaking: demand.speaker === call.id,
      badge: active.map((e) => `${e.height}p`).join(' '),
      numbers: bits > 0 ? `${t.sends} ${rate(bits)}` : '',
      why,
    };
  }

  // play keeps one player for each remote sound.
  #play(call) {
    const wanted = [...call.sources.values()].filter((s) => s.kind === 'audio' && call.tracks.has(s.mid));
    const names = new Set(wanted.map((s) => s.name));
    for (const [name, player] of this.players) {
      if (names.has(name)) continue;
      player.remove();
      this.players.delete(name);
    }
    for (const s of wanted) {
      const track = call.tracks.get(s.mid);
      let player = this.players.get(s.name);
      if (!player) {
        player = new Audio();
        player.autoplay = true;
        this.players.set(s.name, player);
        this.audio.append(player);
      }
      if (player.srcObject?.getTracks()[0] !== track) player.srcObject = new MediaStream([track]);
    }
  }
}
