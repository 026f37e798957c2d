/** The producer's desk: preview and programme, rundown, take, slate, people. This file wires; produce-*.js draw. */

import '../components/feed-tile.js';
import '../components/rundown.js';
import { Player } from '../components/player.js';
import { Rundown } from '../components/rundown.js';
import { announce, byId, need, show } from '../dom.js';
import { muteOnAir } from '../edits.js';
import { FeedPool } from '../feed-pool.js';
import { actOf } from '../hotkeys.js';
import { Watcher } from '../media.js';
import { moveKey, moveWords, movesOfOthers } from '../moves.js';
import { MINUTE, namesOf, onNow, TAKE_PAUSE, takeVerdict, toCue } from '../rundown.js';
import { Session } from '../session.js';
import { fault } from '../words.js';
import { Comms } from './produce-comms.js';
import { drawHealth, drawLevels, wantedFeeds } from './produce-feeds.js';
import { PersonDialog } from './produce-person.js';
import { Reairs } from './produce-reair.js';
import { Recordings } from './produce-recordings.js';
import { TalkForm } from './produce-talk.js';
import { Targets } from './produce-targets.js';
import { drawDesk, drawNotices, drawPreview, drawRefused, drawTake, drawTimes } from './produce-view.js';

/** What other producers did stays among the notices for this long, ms. */
const NEWS_FOR = 8000;

/** A desk that lost the server tries again at least this often, ms. */
const EAGER = 1500;

const session = new Session('produce', { most: EAGER });
const player = need('player', Player);
const rundown = need('rundown', Rundown);
const keys = need('keys', HTMLDialogElement);
const local = {
  lastTake: -Infinity,
  transition: /** @type {'cut' | 'dissolve'} */ ('cut'),
  listening: '',
  news: /** @type {import('../types.js').Move[]} */ ([]),
};

const watcher = new Watcher({
  path: '/whep',
  pass: session.pass,
  most: EAGER,
  freezeAfter: 3000,
  onStream: (stream) => player.attach(stream),
  onStatus: ({ state, code, message }) => {
    const gone = state === 'refused' || (state !== 'connected' && code !== null);
    player.card(gone ? fault(code, message) : state !== 'connected' && !player.lastPicture ? { title: 'Tuning in\u2026' } : null);
  },
});
const pool = new FeedPool(session.pass, redraw);
const comms = new Comms(session, redraw);
const targets = new Targets(session);
const clips = () => (session.state.health?.feeds ?? []).filter((feed) => feed.kind === 'clip').map((feed) => feed.id.replace(/^clip\./, ''));
const recordings = new Recordings(session.pass, () => session.state.show);
const reairs = new Reairs({ show: () => session.state.show, now: () => session.now(), say: (command) => session.command(command) });
const form = new TalkForm({ show: () => session.state.show, clips, say: edit });
const person = new PersonDialog({ show: () => session.state.show, say: (command) => session.command(command), write: (id) => comms.begin(id) });
const hands = {
  listen,
  mute: (/** @type {string} */ id) => person.mute(id),
  person: (/** @type {string} */ id) => person.open(id),
  talk: (/** @type {string} */ id, /** @type {boolean} */ held) => comms.hold(held ? id : null),
};

function redraw() {
  const { state } = session;
  const refused = drawRefused(state);
  pool.want(refused ? [] : wantedFeeds(state));
  if (refused) return;
  drawDesk(state, local);
  drawPreview(state, pool);
  drawHealth(state, pool, local.listening, hands);
  drawNotices(state, { dismiss: (id) => session.dismiss(id), force, news: local.news });
  comms.draw(state);
  targets.draw(state);
  person.draw();
  reairs.draw();
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

/** What was refused again, although something speaks against it. @param {string} refused its id @param {import('../types.js').Command} command */
function force(refused, command) {
  session.dismiss(refused);
  if (command.type === 'take') local.lastTake = performance.now();
  session.command(command);
}

/** @param {string | null} talk */
function cue(talk) {
  session.command({ type: 'cue', talk });
}

/** What comes next is on standby; what is there already stays. @param {import('../types.js').Show} event */
function cueNext(event) {
  const next = event.standby === null ? toCue(event) : null;
  if (next) cue(next.id);
}

/** @param {import('../edits.js').Edit} command */
function edit(command) {
  session.command(command);
}

/** The talk on air gets more minutes, or fewer. @param {number} minutes */
function extend(minutes) {
  const talk = session.state.show && onNow(session.state.show);
  if (talk) edit({ type: 'edit', do: 'extend', talk: talk.id, minutes });
}

/** @param {string} layout */
function scene(layout) {
  const event = session.state.show;
  if (event?.air.kind === 'talk' && event.air.layout !== layout) session.command({ type: 'scene', layout, transition: local.transition, revision: event.revision });
}

/** @param {'cut' | 'dissolve'} transition */
function choose(transition) {
  local.transition = transition;
  redraw();
}

/** What the slate's form says; nothing where a field is empty. */
function slateWords() {
  const title = need('slate-name', HTMLInputElement).value.trim();
  const message = need('slate-message', HTMLInputElement).value.trim();
  return { ...(title ? { title } : {}), ...(message ? { message } : {}) };
}

function slate() {
  if (performance.now() - local.lastTake < TAKE_PAUSE) return;
  local.lastTake = performance.now();
  const minutes = Number(need('slate-minutes', HTMLInputElement).value);
  const hold = need('slate-hold', HTMLInputElement).checked && session.state.show?.air.kind === 'talk';
  session.command({
    type: 'slate',
    ...slateWords(),
    ...(minutes > 0 ? { until: Math.round(session.now() + minutes * MINUTE) } : {}),
    ...(hold ? { hold } : {}),
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
  // With the line gone the server has closed the microphone: a key that is still held says no more.
  if (state.link !== 'open' && before.link === 'open') comms.talkback.release();
  if (state.link === 'open' && (before.link !== 'open' || now?.id !== was?.id)) recordings.look();
  if (state.show && state.show !== before.show) report(movesOfOthers(before.show, state.show, state.you?.id ?? ''), state.show);
  redraw();
}

/** What other producers did, for a moment. @param {import('../types.js').Move[]} moves @param {import('../types.js').Show} event */
function report(moves, event) {
  for (const move of moves) {
    local.news = [...local.news, move].slice(-3);
    const { by, words } = moveWords(event, move);
    announce(`${by} ${words}`);
    setTimeout(() => {
      local.news = local.news.filter((known) => moveKey(known) !== moveKey(move));
      redraw();
    }, NEWS_FOR);
  }
}

/** @param {import('../hotkeys.js').Act} act */
function perform(act) {
  const event = session.state.show;
  switch (act.do) {
    case 'take':
      return take();
    case 'next':
      return event ? cueNext(event) : undefined;
    case 'clear':
      return cue(null);
    case 'cue':
      return event?.talks[act.talk] ? cue(event.talks[act.talk].id) : undefined;
    case 'transition':
      return choose(act.value);
    case 'layout':
      return scene(act.value);
    case 'extend':
      return extend(act.minutes);
    case 'slate':
      return slate();
    case 'listen':
      return listen('programme');
    case 'note':
      return comms.begin();
    case 'mute':
      return event ? muteOnAir(event).forEach((command) => session.command(command)) : undefined;
    case 'talkback':
      return comms.hold(act.to === 'all' ? 'all' : comms.to.value);
    case 'help':
      return keys.showModal();
  }
}

/** Leaves a field of the desk, so that single keys act again: by Escape, and in the slate's, where it does nothing else, by Enter. @param {KeyboardEvent} event */
function leave({ key, target, isComposing }) {
  const field = target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
  if (!field || isComposing || document.querySelector('dialog[open]')) return;
  if (key === 'Escape' || (key === 'Enter' && target.form?.id === 'slate')) target.blur();
}

/**
 * Single keys act wherever the focus is, but in fields and dialogs; so the space bar takes also while a
 * cue button still has the focus. Enter presses buttons.
 *
 * @param {KeyboardEvent} event
 */
function onKey(event) {
  const { target } = event;
  // A checkbox has the space bar for itself.
  const typing = target instanceof HTMLSelectElement || (target instanceof HTMLInputElement && (target.type !== 'checkbox' || event.key === ' '));
  if (typing || document.querySelector('dialog[open]')) return;
  const act = actOf(event);
  if (!act || (act.do !== 'help' && !need('keys-on', HTMLInputElement).checked)) return;
  event.preventDefault();
  if (!event.repeat) perform(act);
}

byId('take').addEventListener('click', take);
byId('help').addEventListener('click', () => keys.showModal());
byId('add').addEventListener('click', () => form.open(null));
byId('listen').addEventListener('click', () => listen('programme'));
// Enter in one of its fields is a slip: the slate is a button, or a key of its own.
byId('slate').addEventListener('submit', (event) => event.preventDefault());
byId('slate-go').addEventListener('click', slate);
byId('slate-words').addEventListener('click', () => {
  const words = slateWords();
  if (Object.keys(words).length > 0) edit({ type: 'edit', do: 'slate', ...words });
});
rundown.addEventListener('cue', (event) => cue(/** @type {CustomEvent<string | null>} */ (event).detail));
rundown.addEventListener('edit', (event) => edit(/** @type {CustomEvent<import('../edits.js').Edit>} */ (event).detail));
rundown.addEventListener('open', (event) => form.open(/** @type {CustomEvent<string>} */ (event).detail));
for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('#transition button'))) {
  button.addEventListener('click', () => choose(/** @type {any} */ (button.dataset.transition)));
}
for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('#layout button'))) {
  button.addEventListener('click', () => scene(button.dataset.layout ?? ''));
}
for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('#extend button'))) {
  button.addEventListener('click', () => extend(Number(button.dataset.minutes)));
}
addEventListener('keydown', onKey);
addEventListener('keydown', leave);
addEventListener('keyup', (event) => {
  if (event.key.toLowerCase() === 't') comms.hold(null);
  // Chromium presses a focused button when the space bar comes up again, whatever keydown said.
  if (event.key === ' ' && event.target instanceof HTMLButtonElement && !document.querySelector('dialog[open]') && need('keys-on', HTMLInputElement).checked) event.preventDefault();
});
session.onChange(changed);
session.onNewServer((age) => {
  watcher.renew(age);
  pool.renew(age);
  comms.talkback.renew(age);
});
session.reportWith(() => ({ ...watcher.summary, ...player.stats(), ...pool.stats() }));
player.sound(false);
session.start();
watcher.start();
show(byId('card'), false);
setInterval(tick, 250);
setInterval(() => drawLevels(pool), 125);
