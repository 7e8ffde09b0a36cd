// The page: entrance, conference, toolbar.

import { t, language, rate } from './i18n.js';
import { Call } from './call.js';
import { Demand } from './demand.js';
import { Meter, snapshot } from './stats.js';
import { View } from './view.js';

const TICK = 1000; // ms between readings
const TELL_LAYERS = 2; // ticks between two messages about own layers, at least

const query = new URLSearchParams(location.search);
const $ = (id) => document.getElementById(id);

document.documentElement.lang = language;
for (const e of document.querySelectorAll('[data-text]')) e.textContent = t[e.dataset.text];
for (const e of document.querySelectorAll('[data-title]')) {
  e.title = t[e.dataset.title];
  e.setAttribute('aria-label', t[e.dataset.title]);
}
$('name').value = query.get('name') ?? sessionStorage.getItem('name') ?? '';
$('room').value = query.get('room') ?? 'stage';

let session = null; // {call, demand, meter, view, timer}

function show(screen) {
  document.body.dataset.screen = screen;
}

function problem(text) {
  const box = $('problem');
  box.textContent = text ? `${t.error} ${text}` : '';
  box.hidden = !text;
}

async function join() {
  const name = $('name').value.trim();
  if (!name) return $('name').focus();
  sessionStorage.setItem('name', name);
  problem('');
  show('joining');
  const call = new Call({
    name, room: $('room').value.trim() || 'stage', channel: query.get('channel') ?? 'sctp', codec: query.get('codec') ?? 'vp8',
  });
  const captured = await call.capture();
  start(call, name);
  if (!captured) problem(t.noMedia);
  call.join();
}

function start(call, name) {
  const demand = new Demand(call);
  const meter = new Meter(call);
  const view = new View($('grid'), $('audio'));
  const s = { call, demand, meter, view, name, ticks: 0, told: '' };
  session = s;
  const render = () => session === s && display(s);
  call.addEventListener('joined', () => show('call'));
  call.addEventListener('change', () => {
    if (demand.stage && !call.sources.has(demand.stage)) demand.stage = null;
    stageNewScreen(s);
    demand.send();
    render();
  });
  call.addEventListener('open', () => {
    demand.send(true);
    s.told = '';
    render();
  });
  call.addEventListener('message', (e) => demand.take(e.detail) && render());
  call.addEventListener('problem', (e) => problem(e.detail));
  call.addEventListener('end', () => end(s));
  s.timer = setInterval(async () => {
    await meter.read();
    tellLayers(s);
    render();
  }, TICK);
}

// A screen goes on stage when it appears.
function stageNewScreen({ demand, shown = new Set() }) {
  const screens = demand.videos().filter((v) => v.videoType === 'desktop').map((v) => v.name);
  const fresh = screens.find((n) => !shown.has(n));
  if (fresh) demand.stage = fresh;
  session.shown = new Set(screens);
}

// tellLayers tells the other pages what this one sends, so that they can say
// why a picture is no better.
function tellLayers(s) {
  const { call, meter } = s;
  if (++s.ticks % TELL_LAYERS !== 0 || !call.channel.open) return;
  const sources = {};
  for (const [name, mid, track] of [[call.cameraName, '1', call.local.camera], [call.screenName, '2', call.local.screen]]) {
    if (!track) continue;
    const own = meter.sent.filter((e) => e.mid === mid);
    sources[name] = {
      full: track.getSettings().height ?? 0,
      active: own.filter((e) => e.active).map((e) => e.height),
      limit: own.find((e) => e.active && e.limit !== 'none')?.limit ?? 'none',
    };
  }
  const text = JSON.stringify({ sources, people: call.endpoints.length });
  if (text === s.told) return;
  s.told = text;
  call.channel.send('EndpointMessage', { to: '', msgPayload: { type: 'layers', sources } });
}

function onStage(name) {
  const { demand } = session;
  if (!session.call.sources.has(name)) return;
  demand.stage = demand.stage === name ? null : name;
  demand.send();
  display(session);
}

function display(s) {
  const { call, demand } = s;
  s.view.render({ ...s, onclick: onStage });
  const state = call.pc?.connectionState;
  const status = state === 'connected' ? 'connected' : state === 'failed' || state === 'disconnected' ? 'disconnected' : 'connecting';
  $('status').textContent = t[status];
  $('status').dataset.state = status;
  $('people').textContent = t.people(Math.max(1, call.endpoints.length));
  $('title-room').textContent = call.options.room;
  const facts = [demand.estimate === null ? null : t.estimate(rate(demand.estimate)), call.channel.open ? t.via(call.channel.kind) : null];
  $('facts').textContent = facts.filter(Boolean).join(' · ');
  $('alone').hidden = call.endpoints.length > 1 || status !== 'connected';
  const on = call.state;
  for (const [id, pressed, possible] of [
    ['mic', on.audio, call.local.audio], ['camera', on.video, call.local.camera],
    ['screen', on.screen, navigator.mediaDevices?.getDisplayMedia], ['figures', document.body.classList.contains('with-figures'), true],
  ]) {
    $(id).setAttribute('aria-pressed', String(pressed));
    $(id).disabled = !possible;
  }
}

function end(s) {
  clearInterval(s.timer);
  if (session !== s) return;
  session = null;
  $('grid').replaceChildren();
  $('audio').replaceChildren();
  $('goodbye').hidden = false;
  $('join').textContent = t.again;
  show('entrance');
}

$('entrance').addEventListener('submit', (e) => {
  e.preventDefault();
  join();
});
$('mic').onclick = () => session.call.setMicrophone(!session.call.state.audio);
$('camera').onclick = () => session.call.setCamera(!session.call.state.video);
$('screen').onclick = () => session.call.setScreen(!session.call.state.screen).catch(() => display(session));
$('figures').onclick = () => {
  document.body.classList.toggle('with-figures');
  display(session);
};
$('leave').onclick = () => session.call.leave();
addEventListener('pagehide', () => session?.call.leave());

// For programs that watch the page.
window.steg = {
  snapshot: () => (session?.call.pc ? snapshot(session.call) : null),
  speaker: () => session?.demand.speaker ?? null,
  forwarded: () => [...(session?.demand.forwarded ?? [])],
  stage: (name) => {
    session.demand.stage = name;
    session.demand.send();
  },
  ask: (height) => {
    session.demand.override = height;
    session.demand.send();
  },
  reasons: () => session.demand.videos().map((v) => [v.name, ...session.demand.reason(v, session.meter.received.get(v.mid))]),
  leave: () => session?.call.leave(),
  join,
};

show('entrance');
if (query.get('join') && $('name').value) join();
