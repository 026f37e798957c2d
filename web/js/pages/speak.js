/** The speaker's page: device check, green room, ready, on air. This file wires; speak-*.js draw. */

import '../components/meter.js';
import { Meter } from '../components/meter.js';
import { Player } from '../components/player.js';
import { list, remember, remembered } from '../devices.js';
import { byId, need, setAttribute, setText } from '../dom.js';
import { Watcher } from '../media.js';
import { onNow, tallyOf } from '../rundown.js';
import { returnSound } from '../returns.js';
import { EAGER, Seat } from '../seat.js';
import { Session } from '../session.js';
import { CheckIn } from './speak-check.js';
import { CueView, drawTalkback } from './speak-cues.js';
import { drawCard, drawLight, drawNotices, drawPass, drawPickers, drawQuality, drawSeat, drawTurn, drawVoice } from './speak-view.js';

/** A second press within this time passes the floor; ms. */
const ARMED_FOR = 4000;

const session = new Session('speak', { most: EAGER, seat: () => seat.joined });
const player = need('player', Player);
const meter = need('meter', Meter);
const self = need('self', HTMLVideoElement);
const choice = remembered();
const local = {
  wantsReturn: true,
  listenNow: false,
  armedUntil: 0,
  armedAt: /** @type {number | undefined} */ (undefined), // the revision that the first press saw
  tracks: '',
};

const seat = new Seat({ pass: session.pass, choice, off: history.state?.off, onChange: redraw });
const back = new Watcher({ path: '/whep/return', fallback: '/whep', pass: session.pass, most: EAGER, onStream: (stream) => player.attach(stream), onStatus: redraw });
const check = new CheckIn({ seat, self, meter, back });
const cues = new CueView((message) => session.command({ type: 'ack', message }));

/** @returns {'air' | 'standby' | 'off'} */
function tally() {
  return tallyOf(session.state.show, session.state.you?.id ?? '');
}

function redraw() {
  const { state } = session;
  document.body.dataset.phase = seat.joined ? 'room' : 'check';
  if (drawCard(state)) return;
  const tracks = (seat.stream?.getTracks() ?? []).map(({ id }) => id).join(' ');
  if (tracks !== local.tracks) void preview(tracks);
  drawLight(state, tally(), seat);
  drawSeat(seat);
  drawTurn(state, session.now());
  cues.draw(state);
  drawNotices(notices(), (id) => session.dismiss(id));
  drawReturn();
  tick();
}

function tick() {
  const light = tally();
  cues.tick(session.state, session.now(), light, seat.joined);
  if (light === 'air') drawPass(session.state.show, Date.now() < local.armedUntil);
  drawQuality(seat.camera, session.state);
  drawVoice(meter, seat.stream);
}

/** @returns {{id: string, text: string, dismissible: boolean}[]} */
function notices() {
  const { refusals, link, show } = session.state;
  const own = Object.entries(seat.trouble).map(([id, text]) => ({ id, text, dismissible: false }));
  const refused = refusals.map(({ id, fault }) => ({ id, text: fault.message, dismissible: true }));
  const sending = seat.camera?.status;
  if (link === 'open' && sending?.code) own.push({ id: 'sending', text: `Your picture does not get through: ${sending.message ?? sending.code} Trying again by itself.`, dismissible: false });
  if (show?.you?.level?.muted) own.push({ id: 'muted', text: 'The stage manager has closed your microphone: nobody hears you.', dismissible: false });
  return [...own, ...refused];
}

function drawReturn() {
  const event = session.state.show;
  const light = tally();
  const voices = event?.you?.talkback ?? [];
  if (voices.length === 0) local.listenNow = false;
  const verdict = returnSound({
    tally: light,
    wanted: local.wantsReturn,
    headphones: choice.headphones,
    mixMinus: back.options.path === '/whep/return',
    company: light === 'air' && event !== null && (onNow(event)?.speakers.length ?? 0) > 1,
    called: voices.length > 0,
  });
  const on = verdict.on || local.listenNow;
  if (player.hasSound !== on && player.dataset.sound !== 'refused') player.sound(on);
  if (!on && player.hasSound) player.sound(false);
  setText(byId('return-why'), player.dataset.sound === 'refused' && on ? 'Press any key to hear the programme' : verdict.why);
  setAttribute(byId('return'), 'aria-pressed', String(local.wantsReturn));
  byId('return').dataset.sounding = String(on);
  setText(byId('return'), on ? 'Sound on' : 'Sound off');
  drawTalkback(session.state, on && player.hasSound);
  player.card(back.status.state === 'connected' || player.lastPicture ? null : { title: 'Tuning in\u2026' });
}

/** Camera and microphone on, for the check. */
async function start() {
  need('start', HTMLButtonElement).disabled = true;
  if (await seat.open()) need('devices', HTMLDetailsElement).open = true;
  need('start', HTMLButtonElement).disabled = false;
  redraw();
  if (seat.stream) byId('join').focus();
}

/** Own picture and level, whenever a device is another one. @param {string} tracks their ids */
async function preview(tracks) {
  const { stream } = seat;
  local.tracks = tracks;
  if (!stream) return;
  if (self.srcObject !== stream) self.srcObject = stream;
  // Muted video may always play; a refusal here only means that the tab is hidden.
  await self.play().catch(() => undefined);
  meter.listen(stream);
  await pickers();
}

/** What there is to choose from, and what is used. */
async function pickers() {
  const devices = await list();
  if (seat.stream) drawPickers(devices, seat.stream, choice);
}

function join() {
  seat.join();
  session.sit();
  rememberJoined(true);
  need('devices', HTMLDetailsElement).open = false;
  redraw();
  byId('ready').focus();
  check.start();
}

function ready() {
  session.command({ type: 'ready', ready: byId('ready').getAttribute('aria-pressed') !== 'true' });
}

/** Two presses, because a slip would end the talk. */
function passFloor() {
  if (byId('pass-floor').getAttribute('aria-disabled') === 'true') return;
  if (Date.now() < local.armedUntil) {
    local.armedUntil = 0;
    session.command({ type: 'pass_floor', revision: local.armedAt });
  } else {
    local.armedUntil = Date.now() + ARMED_FOR;
    local.armedAt = session.state.show?.revision;
  }
  tick();
}

/** @param {import('../state.js').State} state @param {import('../state.js').State} before */
function changed(state, before) {
  if (state.bye && state.link === 'ended' && before.link !== 'ended') leave();
  redraw();
}

/** Everything off: another device took over, or the pass is refused. */
function leave() {
  seat.leave();
  back.stop();
  rememberJoined(false);
}

/** @param {'pick-camera' | 'pick-microphone'} id @param {'camera' | 'microphone'} key @param {'video' | 'audio'} kind */
function onPick(id, key, kind) {
  need(id, HTMLSelectElement).addEventListener('change', (event) => {
    choice[key] = /** @type {HTMLSelectElement} */ (event.target).value;
    remember(choice);
    void seat.change(kind).then(pickers);
  });
}

/** @param {'audio' | 'video'} kind */
function toggle(kind) {
  seat.toggle(kind);
  rememberJoined(seat.joined);
}

/** The loudspeaker or headphones in which the return sounds. */
async function useSpeaker() {
  try {
    await player.video.setSinkId?.(choice.speaker);
    delete seat.trouble.speaker;
  } catch {
    seat.trouble.speaker = 'The chosen loudspeaker is not there: you hear the programme on the usual one.';
  }
  redraw();
}

/** @param {BeforeUnloadEvent} event */
function warn(event) {
  if (tally() === 'air' && session.state.link !== 'ended') event.preventDefault();
}

byId('start').addEventListener('click', () => void start());
byId('join').addEventListener('click', join);
byId('mic').addEventListener('click', () => toggle('audio'));
byId('camera').addEventListener('click', () => toggle('video'));
byId('share').addEventListener('click', () => void seat.share());
byId('slides-stop').addEventListener('click', () => seat.unshare());
byId('ready').addEventListener('click', ready);
byId('pass-floor').addEventListener('click', passFloor);
byId('checkin-again').addEventListener('click', () => check.start());
byId('card-button').addEventListener('click', () => {
  rememberJoined(seat.joined);
  location.reload();
});
byId('return').addEventListener('click', () => {
  local.wantsReturn = !local.wantsReturn;
  redraw();
});
byId('talkback-listen').addEventListener('click', () => {
  local.listenNow = true;
  redraw();
});
onPick('pick-camera', 'camera', 'video');
onPick('pick-microphone', 'microphone', 'audio');
byId('pick-speaker').addEventListener('change', (event) => {
  choice.speaker = /** @type {HTMLSelectElement} */ (event.target).value;
  remember(choice);
  void useSpeaker();
});
const headphones = need('headphones', HTMLInputElement);
headphones.checked = choice.headphones;
headphones.addEventListener('change', () => {
  choice.headphones = headphones.checked;
  remember(choice);
  redraw();
});
navigator.mediaDevices?.addEventListener('devicechange', () => {
  void preview(local.tracks);
  void seat.revive();
});
player.addEventListener('sound', redraw);
addEventListener('beforeunload', warn);
document.addEventListener('visibilitychange', () => void awake());
addEventListener('keydown', ({ key, ctrlKey, metaKey, altKey, repeat, target }) => {
  const free = !ctrlKey && !metaKey && !altKey && !repeat && !(target instanceof HTMLSelectElement);
  if (free && key.toLowerCase() === 'g') cues.acknowledgeNewest(session.state);
});

async function awake() {
  // Refused on battery saving; then the speaker's own settings decide.
  if (document.visibilityState === 'visible') await navigator.wakeLock?.request('screen').catch(() => undefined);
}

/** Kept with this entry of the tab's history, with what is switched off: it survives a reload, and nothing else. @param {boolean} joined */
function rememberJoined(joined) {
  history.replaceState({ joined, off: [...seat.off] }, '');
}

/** After a reload, and where the browser already allows the camera, nobody should have to click again. */
async function resume() {
  if (history.state?.joined !== true) return;
  await start();
  if (seat.stream) join();
}

session.onChange(changed);
session.onNewServer((age) => {
  seat.renew(age);
  back.renew(age);
});
session.reportWith(() => ({ ...seat.camera?.summary, return_fps: back.summary.fps ?? 0, ...(seat.camera ? { starts: seat.camera.starts } : {}) }));
session.start();
back.start();
if (choice.speaker) void useSpeaker();
redraw();
void awake();
void resume();
setInterval(tick, 250);
