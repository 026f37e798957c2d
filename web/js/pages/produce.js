/** The producer's desk: preview and programme, rundown, take, slate, who is connected. This file wires; produce-view.js draws. */

import '../components/feed-tile.js';
import '../components/rundown.js';
import { Player } from '../components/player.js';
import { Rundown } from '../components/rundown.js';
import { announce, byId, need, show } from '../dom.js';
import { FeedPool } from '../feed-pool.js';
import { Watcher } from '../media.js';
import { MINUTE, namesOf, onNow, TAKE_PAUSE, takeVerdict, upNext } from '../rundown.js';
import { Session } from '../session.js';
import { fault } from '../words.js';
import { drawDesk, drawHealth, drawNotices, drawPreview, drawRefused, drawTake, drawTimes, wantedFeeds } from './produce-view.js';

const session = new Session('produce');
const player = need('player', Player);
const rundown = need('rundown', Rundown);
const keys = need('keys', HTMLDialogElement);
const local = {
  lastTake: -Infinity,
  transition: /** @type {'cut' | 'dissolve'} */ ('cut'),
  listening: '',
};

const watcher = new Watcher({
  path: '/whep',
  pass: session.pass,
  freezeAfter: 3000,
  onStream: (stream) => player.attach(stream),
  onStatus: ({ state, code, message }) => {
    const gone = state === 'refused' || (state !== 'connected' && code !== null);
    player.card(gone ? fault(code, message) : state !== 'connected' && !player.lastPicture ? { title: 'Tuning in\u2026' } : null);
  },
});
const pool = new FeedPool(session.pass, redraw);

function redraw() {
  const { state } = session;
  if (drawRefused(state)) return;
  pool.want(wantedFeeds(state));
  drawDesk(state, local);
  drawPreview(state, pool);
  drawHealth(state, pool, local.listening, listen);
  drawNotices(state, { dismiss: (id) => session.dismiss(id), force });
  tick();
}

function tick() {
  const { state } = session;
  drawTake(state, takeVerdict(state, performance.now(), local.lastTake));
  if (!state.show) return;
  drawTimes(state.show, session.now());
  rundown.update(state.show, session.now());
}

function take() {
  const verdict = takeVerdict(session.state, performance.now(), local.lastTake);
  const { show: event } = session.state;
  if (!verdict.ok || !event) return tick();
  local.lastTake = performance.now();
  session.command({ type: 'take', talk: event.standby, transition: local.transition, revision: event.revision });
  setTimeout(tick, TAKE_PAUSE + 20);
}

/** The refused take again, although somebody or something is missing. @param {import('../state.js').Refusal} refusal */
function force({ id, command }) {
  session.dismiss(id);
  local.lastTake = performance.now();
  session.command({ type: 'take', talk: command.talk, transition: command.transition ?? 'cut', force: true });
}

/** @param {string | null} talk */
function cue(talk) {
  session.command({ type: 'cue', talk });
}

/** @param {string} layout */
function scene(layout) {
  const event = session.state.show;
  if (event?.air.kind === 'talk' && event.air.layout !== layout) session.command({ type: 'scene', layout, transition: local.transition });
}

/** @param {'cut' | 'dissolve'} transition */
function choose(transition) {
  local.transition = transition;
  redraw();
}

function slate() {
  if (performance.now() - local.lastTake < TAKE_PAUSE) return;
  local.lastTake = performance.now();
  const title = need('slate-name', HTMLInputElement).value.trim();
  const message = need('slate-message', HTMLInputElement).value.trim();
  const minutes = Number(need('slate-minutes', HTMLInputElement).value);
  session.command({
    type: 'slate',
    ...(title ? { title } : {}),
    ...(message ? { message } : {}),
    ...(minutes > 0 ? { until: Math.round(session.now() + minutes * MINUTE) } : {}),
  });
}

/** One sound at a time: the programme, a feed, or none. @param {string} id */
function listen(id) {
  local.listening = local.listening === id ? '' : id;
  player.sound(local.listening === 'programme');
  byId('listen').setAttribute('aria-pressed', String(local.listening === 'programme'));
  redraw();
}

/** @param {import('../state.js').State} state @param {import('../state.js').State} before */
function changed(state, before) {
  const now = state.show ? onNow(state.show) : null;
  const was = before.show ? onNow(before.show) : null;
  if (state.show && before.show && now?.id !== was?.id) announce(now ? `On air: ${namesOf(state.show, now)}` : 'The slate is on air');
  if (state.bye?.code.startsWith('pass_')) watcher.stop();
  redraw();
}

/** @type {Record<string, () => void>} */
const KEYS = {
  ' ': take,
  n: () => {
    const next = session.state.show && upNext(session.state.show);
    if (next) cue(next.id);
  },
  x: () => cue(null),
  c: () => choose('cut'),
  d: () => choose('dissolve'),
  f: () => scene('full'),
  p: () => scene('pip'),
  s: () => scene('side'),
  g: () => scene('grid'),
  B: slate,
  l: () => listen('programme'),
};

/**
 * Single keys act wherever the focus is, but in fields and dialogs; so the space bar takes also while a
 * cue button still has the focus. Enter presses buttons.
 *
 * @param {KeyboardEvent} event
 */
function onKey(event) {
  const typing = event.target instanceof HTMLInputElement && event.target.type !== 'checkbox';
  if (typing || keys.open || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === '?') return keys.showModal();
  if (!need('keys-on', HTMLInputElement).checked) return;
  const talk = /^[1-9]$/.test(event.key) ? session.state.show?.talks[Number(event.key) - 1] : undefined;
  const act = talk ? () => cue(talk.id) : KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  if (!event.repeat) act();
}

byId('take').addEventListener('click', take);
byId('help').addEventListener('click', () => keys.showModal());
byId('listen').addEventListener('click', () => listen('programme'));
byId('slate').addEventListener('submit', (event) => {
  event.preventDefault();
  slate();
});
rundown.addEventListener('cue', (event) => cue(/** @type {CustomEvent<string | null>} */ (event).detail));
for (const button of document.querySelectorAll('#transition button')) {
  button.addEventListener('click', () => choose(/** @type {any} */ (/** @type {HTMLElement} */ (button).dataset.transition)));
}
for (const button of document.querySelectorAll('#layout button')) {
  button.addEventListener('click', () => scene(/** @type {HTMLElement} */ (button).dataset.layout ?? ''));
}
addEventListener('keydown', onKey);
// Chromium presses a focused button when the space bar comes up again, whatever keydown said.
addEventListener('keyup', (event) => {
  if (event.key === ' ' && event.target instanceof HTMLButtonElement && !keys.open && need('keys-on', HTMLInputElement).checked) event.preventDefault();
});
session.onChange(changed);
session.onNewServer(() => {
  watcher.restart('a new server');
  pool.restart();
});
session.reportWith(() => ({ ...watcher.summary, ...player.stats(), ...pool.stats() }));
player.sound(false);
session.start();
watcher.start();
show(byId('card'), false);
setInterval(tick, 250);
