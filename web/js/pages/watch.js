/** The viewer's page: the programme, what is on now and next, and the agenda in the viewer's own time. */

import '../components/agenda.js';
import '../components/player.js';
import { Agenda } from '../components/agenda.js';
import { updateHeader } from '../components/header.js';
import { Player } from '../components/player.js';
import { announce, byId, need, setText, show } from '../dom.js';
import { Watcher } from '../media.js';
import { namesOf, onNow, upNext } from '../rundown.js';
import { Session } from '../session.js';
import { clock, duration } from '../time.js';
import { fault } from '../words.js';

/** @typedef {import('../state.js').State} State @typedef {import('../types.js').Show} Show */

const session = new Session('watch');
const player = need('player', Player);
const agenda = need('agenda', Agenda);
const volume = need('volume', HTMLInputElement);
const sound = need('sound', HTMLButtonElement);
const unmute = need('unmute', HTMLButtonElement);
const fullscreen = need('fullscreen', HTMLButtonElement);

const watcher = new Watcher({
  path: '/whep',
  pass: session.pass,
  freezeAfter: 3000,
  onStream: (stream) => player.attach(stream),
  onStatus: updateCard,
});

function updateCard() {
  const { state, code, message } = watcher.status;
  document.body.dataset.media = state;
  if (state === 'connecting') player.tuning();
  if (state === 'refused' || (state !== 'connected' && code !== null)) player.card(fault(code, message));
  else if (state !== 'connected' && !player.lastPicture) player.card({ title: 'Tuning in\u2026' });
  else player.card(null);
}

/** @param {State} state @param {State} before */
function update(state, before) {
  updateHeader(state);
  if (state.bye?.code.startsWith('pass_')) {
    watcher.stop();
    player.card(fault(state.bye.code, state.bye.message));
  }
  if (!state.show) return;
  agenda.update(state.show);
  updateNowNext(state.show);
  if (before.show && headline(before.show) !== headline(state.show)) announce(headline(state.show));
}

/** @param {Show} state @returns {string} */
function headline(state) {
  const talk = onNow(state);
  if (talk) return `On now: ${talk.title}, ${namesOf(state, talk)}`;
  return state.phase === 'over' ? 'The event is over' : state.air.slate.message || state.air.slate.title;
}

/** @param {Show} state */
function updateNowNext(state) {
  const now = onNow(state);
  const next = state.phase === 'over' ? null : upNext(state);
  document.body.dataset.phase = state.phase;
  byId('now').dataset.live = String(now !== null);
  setText(byId('now-label'), now ? 'On now' : { before: 'Before the start', live: 'A short break', over: 'Thank you' }[state.phase]);
  setText(byId('now-title'), now ? now.title : state.phase === 'over' ? 'The event is over' : state.air.slate.title || state.event.name);
  setText(byId('now-who'), now ? namesOf(state, now) : state.phase === 'over' ? 'We hope to see you next time.' : state.air.slate.message);
  show(byId('next'), next !== null);
  if (next) {
    setText(byId('next-title'), next.title);
    setText(byId('next-who'), namesOf(state, next) + (next.start === null ? '' : ` \u00b7 ${clock(next.start)}`));
  }
  setText(byId('audience'), state.audience ? `${state.audience.viewers} watching` : '');
  tick();
}

/** The countdown to the start, or to the end of a slate. */
function tick() {
  const state = session.state.show;
  const until = !state || state.air.kind === 'talk' ? null : state.phase === 'before' ? state.event.start : state.air.slate.until;
  const left = until === null ? 0 : until - session.now();
  show(byId('countdown'), left > 0);
  if (left > 0) setText(byId('countdown-time'), duration(left));
}

function updateSound() {
  const on = player.hasSound;
  setText(byId('sound-word'), on ? 'Mute' : 'Sound on');
  sound.dataset.on = String(on);
  show(unmute, player.dataset.sound === 'refused');
  volume.value = String(player.video.muted ? 0 : Math.round(player.video.volume * 100));
}

function toggleSound() {
  // The press that unlocked the sound is also a click on this button; it must not switch it off again.
  if (performance.now() - player.unlockedAt > 800) player.sound(!player.hasSound);
}

async function toggleFullscreen() {
  if (document.fullscreenElement) return document.exitFullscreen();
  // iPhones have full screen for the video element only.
  const video = /** @type {HTMLVideoElement & {webkitEnterFullscreen?: () => void}} */ (player.video);
  if (byId('stage').requestFullscreen) return byId('stage').requestFullscreen();
  video.webkitEnterFullscreen?.();
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target instanceof HTMLInputElement) return;
  if (event.key === 'm') toggleSound();
  if (event.key === 'f') void toggleFullscreen();
}

sound.addEventListener('click', toggleSound);
unmute.addEventListener('click', () => player.sound(true));
fullscreen.addEventListener('click', () => void toggleFullscreen());
document.addEventListener('fullscreenchange', () => setText(byId('fullscreen-word'), document.fullscreenElement ? 'Leave full screen' : 'Full screen'));
volume.addEventListener('input', () => {
  player.video.volume = Number(volume.value) / 100;
  player.sound(Number(volume.value) > 0);
});
player.addEventListener('sound', updateSound);
player.video.addEventListener('volumechange', updateSound);
addEventListener('keydown', onKey);
session.onChange(update);
session.onNewServer((age) => watcher.renew(age));
session.reportWith(() => ({ ...watcher.summary, ...player.stats(), starts: watcher.starts }));
session.start();
watcher.start();
setInterval(tick, 500);
