/** The speaker's page: device check, green room, ready, on air. This file wires; speak-view.js draws. */

import '../components/meter.js';
import { Meter } from '../components/meter.js';
import { Player } from '../components/player.js';
import { complaint, list, open, openOne, openScreen, remember, remembered } from '../devices.js';
import { byId, need, setText, show } from '../dom.js';
import { Publisher, Watcher } from '../media.js';
import { tallyOf } from '../rundown.js';
import { returnSound } from '../returns.js';
import { Session } from '../session.js';
import { drawCard, drawClock, drawLight, drawNotices, drawPickers, drawQuality, drawTurn, drawVoice } from './speak-view.js';

const CAMERA_BITRATE = 2_500_000;
const SLIDES_BITRATE = 2_000_000;

/** A second press within this time passes the floor; ms. */
const ARMED_FOR = 4000;

const session = new Session('speak');
const player = need('player', Player);
const meter = need('meter', Meter);
const self = need('self', HTMLVideoElement);
const choice = remembered();
const local = {
  stream: /** @type {MediaStream | null} */ (null),
  camera: /** @type {Publisher | null} */ (null),
  slides: /** @type {Publisher | null} */ (null),
  joined: false,
  wantsReady: false,
  wantsReturn: true,
  armedUntil: 0,
  trouble: /** @type {Record<string, string>} */ ({}),
};

const back = new Watcher({ path: '/whep', pass: session.pass, onStream: (stream) => player.attach(stream), onStatus: drawReturn });

/** @returns {'air' | 'standby' | 'off'} */
function tally() {
  return tallyOf(session.state.show, session.state.you?.id ?? '');
}

function redraw() {
  const { state } = session;
  document.body.dataset.phase = local.joined ? 'room' : 'check';
  if (drawCard(state)) return;
  drawLight(state, tally(), local);
  drawTurn(state, session.now());
  drawNotices(notices(), (id) => session.dismiss(id));
  drawReturn();
  tick();
}

function tick() {
  const armed = Date.now() < local.armedUntil;
  drawClock(session.state, session.now(), tally(), armed);
  drawQuality(local.camera, session.state);
  drawVoice(meter, local.stream);
}

/** @returns {{id: string, text: string, dismissible: boolean}[]} */
function notices() {
  const { refusals, link } = session.state;
  const own = Object.entries(local.trouble).map(([id, text]) => ({ id, text, dismissible: false }));
  const refused = refusals.map(({ id, fault }) => ({ id, text: fault.message, dismissible: true }));
  const sending = local.camera?.status;
  if (link === 'open' && sending?.code) own.push({ id: 'sending', text: `Your picture does not get through: ${sending.message ?? sending.code} Trying again by itself.`, dismissible: false });
  return [...own, ...refused];
}

function drawReturn() {
  const verdict = returnSound({ tally: tally(), wanted: local.wantsReturn, headphones: choice.headphones });
  if (player.hasSound !== verdict.on && player.dataset.sound !== 'refused') player.sound(verdict.on);
  if (!verdict.on && player.hasSound) player.sound(false);
  setText(byId('return-why'), player.dataset.sound === 'refused' && verdict.on ? 'Press any key to hear the programme' : verdict.why);
  byId('return').setAttribute('aria-pressed', String(local.wantsReturn));
  byId('return').dataset.sounding = String(verdict.on);
  setText(byId('return'), verdict.on ? 'Programme sound on' : 'Programme sound off');
  const { state } = back.status;
  player.card(state === 'connected' || player.lastPicture ? null : { title: 'Tuning in\u2026' });
}

/** Camera and microphone on, for the check. */
async function start() {
  need('start', HTMLButtonElement).disabled = true;
  try {
    const { stream, noCamera } = await open(choice);
    local.stream = stream;
    delete local.trouble.devices;
    if (noCamera) local.trouble.devices = 'No camera was found: you will be heard, but not seen.';
    stream.getTracks().forEach(mind);
    await preview();
    show(byId('start'), false);
    for (const id of ['join', 'mic', 'camera']) show(byId(id), true);
    need('devices', HTMLDetailsElement).open = true;
    byId('join').focus();
  } catch (error) {
    local.trouble.devices = complaint(error);
  }
  need('start', HTMLButtonElement).disabled = false;
  redraw();
}

async function preview() {
  if (!local.stream) return;
  if (self.srcObject !== local.stream) self.srcObject = local.stream;
  // Muted video may always play; a refusal here only means that the tab is hidden.
  await self.play().catch(() => undefined);
  show(byId('self-empty'), local.stream.getVideoTracks().length === 0);
  meter.listen(local.stream);
  drawPickers(await list(), local.stream, choice);
}

/** A device that is pulled out is replaced by the next best. @param {MediaStreamTrack} track */
function mind(track) {
  track.addEventListener('ended', () => {
    local.trouble[track.kind] = track.kind === 'video' ? 'The camera went away. Plug it in again, or choose another.' : 'The microphone went away. Plug it in again, or choose another.';
    redraw();
    void change(/** @type {'video' | 'audio'} */ (track.kind));
  });
}

/** @param {'video' | 'audio'} kind whose device was chosen anew or lost */
async function change(kind) {
  if (!local.stream) return;
  try {
    const before = local.stream.getTracks().find((track) => track.kind === kind);
    const track = await openOne(kind, choice);
    track.enabled = before?.enabled ?? true;
    mind(track);
    if (local.camera) await local.camera.replace(track);
    else swap(local.stream, track);
    delete local.trouble[kind];
    await preview();
  } catch (error) {
    local.trouble[kind] = complaint(error);
  }
  redraw();
}

/** @param {MediaStream} stream @param {MediaStreamTrack} track */
function swap(stream, track) {
  for (const old of stream.getTracks()) {
    if (old.kind !== track.kind) continue;
    stream.removeTrack(old);
    old.stop();
  }
  stream.addTrack(track);
}

/** Into the green room: from now on the producer sees the camera. */
function join() {
  if (!local.stream || local.camera) return;
  local.camera = new Publisher({
    path: '/whip',
    pass: session.pass,
    stream: local.stream,
    maxBitrate: CAMERA_BITRATE,
    keep: 'maintain-framerate',
    onStatus: redraw,
  });
  local.joined = true;
  rememberJoined(true);
  local.camera.start();
  show(byId('join'), false);
  need('devices', HTMLDetailsElement).open = false;
  show(byId('share'), Boolean(navigator.mediaDevices.getDisplayMedia));
  show(byId('ready'), true);
  byId('ready').focus();
  redraw();
}

async function share() {
  if (local.slides) return unshare();
  try {
    const stream = await openScreen();
    local.slides = new Publisher({ path: '/whip?feed=slides', pass: session.pass, stream, maxBitrate: SLIDES_BITRATE, keep: 'maintain-resolution', onStatus: redraw });
    stream.getVideoTracks()[0].addEventListener('ended', unshare);
    local.slides.start();
  } catch (error) {
    // Closing the browser's own picker is a decision, not a fault.
    if (!(error instanceof DOMException) || error.name !== 'NotAllowedError') local.trouble.share = complaint(error);
  }
  drawShare();
}

function unshare() {
  local.slides?.publish.stream.getTracks().forEach((track) => track.stop());
  local.slides?.stop();
  local.slides = null;
  drawShare();
}

function drawShare() {
  byId('share').setAttribute('aria-pressed', String(local.slides !== null));
  setText(byId('share'), local.slides ? 'Stop sharing' : 'Share your screen');
  redraw();
}

/** @param {'audio' | 'video'} kind @param {string} id @param {string} word */
function toggle(kind, id, word) {
  const tracks = local.stream?.getTracks().filter((track) => track.kind === kind) ?? [];
  for (const track of tracks) track.enabled = !track.enabled;
  const on = tracks.some((track) => track.enabled);
  byId(id).setAttribute('aria-pressed', String(on));
  setText(byId(id), on ? `${word} on` : `${word} off`);
  if (on) delete local.trouble[`${kind}-off`];
  else local.trouble[`${kind}-off`] = kind === 'audio' ? 'Your microphone is off: nobody hears you.' : 'Your camera is off: your name is shown instead.';
  redraw();
}

function ready() {
  local.wantsReady = byId('ready').getAttribute('aria-pressed') !== 'true';
  session.command({ type: 'ready', ready: local.wantsReady });
}

/** Two presses, because a slip would end the talk. */
function passFloor() {
  if (byId('pass-floor').getAttribute('aria-disabled') === 'true') return;
  if (Date.now() < local.armedUntil) {
    local.armedUntil = 0;
    session.command({ type: 'pass_floor' });
  } else {
    local.armedUntil = Date.now() + ARMED_FOR;
  }
  tick();
}

/** @param {import('../state.js').State} state @param {import('../state.js').State} before */
function changed(state, before) {
  if (tally() === 'air') local.wantsReady = false;
  if (state.bye && state.link === 'ended' && before.link !== 'ended') leave();
  // After a break the server knows us as present only: say again what we had said.
  const again = before.show === null && state.show?.you?.state === 'green_room' && local.wantsReady;
  if (again || (before.link !== 'open' && state.link === 'open' && local.wantsReady)) session.command({ type: 'ready', ready: true });
  redraw();
}

/** Everything off: another device took over, or the pass is refused. */
function leave() {
  local.camera?.stop();
  unshare();
  back.stop();
  local.stream?.getTracks().forEach((track) => track.stop());
  rememberJoined(false);
}

/** @param {'pick-camera' | 'pick-microphone'} id @param {'camera' | 'microphone'} key @param {'video' | 'audio'} kind */
function onPick(id, key, kind) {
  need(id, HTMLSelectElement).addEventListener('change', (event) => {
    choice[key] = /** @type {HTMLSelectElement} */ (event.target).value;
    remember(choice);
    void change(kind);
  });
}

async function chooseSpeaker() {
  choice.speaker = need('pick-speaker', HTMLSelectElement).value;
  remember(choice);
  await player.video.setSinkId?.(choice.speaker).catch(() => undefined);
}

/** @param {BeforeUnloadEvent} event */
function warn(event) {
  if (tally() === 'air' && session.state.link !== 'ended') event.preventDefault();
}

byId('start').addEventListener('click', () => void start());
byId('join').addEventListener('click', join);
byId('mic').addEventListener('click', () => toggle('audio', 'mic', 'Microphone'));
byId('camera').addEventListener('click', () => toggle('video', 'camera', 'Camera'));
byId('share').addEventListener('click', () => void share());
byId('ready').addEventListener('click', ready);
byId('pass-floor').addEventListener('click', passFloor);
byId('card-button').addEventListener('click', () => {
  rememberJoined(local.joined);
  location.reload();
});
byId('return').addEventListener('click', () => {
  local.wantsReturn = !local.wantsReturn;
  redraw();
});
onPick('pick-camera', 'camera', 'video');
onPick('pick-microphone', 'microphone', 'audio');
byId('pick-speaker').addEventListener('change', () => void chooseSpeaker());
const headphones = need('headphones', HTMLInputElement);
headphones.checked = choice.headphones;
headphones.addEventListener('change', () => {
  choice.headphones = headphones.checked;
  remember(choice);
  redraw();
});
navigator.mediaDevices?.addEventListener('devicechange', () => void preview());
player.addEventListener('sound', drawReturn);
addEventListener('beforeunload', warn);
document.addEventListener('visibilitychange', () => void awake());

async function awake() {
  // Refused on battery saving; then the speaker's own settings decide.
  if (document.visibilityState === 'visible') await navigator.wakeLock?.request('screen').catch(() => undefined);
}

/** Kept with this entry of the tab's history: it survives a reload, and nothing else. @param {boolean} joined */
function rememberJoined(joined) {
  history.replaceState({ joined }, '');
}

/** After a reload, and where the browser already allows the camera, nobody should have to click again. */
async function resume() {
  if (history.state?.joined !== true) return;
  await start();
  if (local.stream) join();
}

session.onChange(changed);
session.onNewServer(() => {
  for (const peering of [local.camera, local.slides, back]) peering?.restart('a new server');
});
session.reportWith(() => ({ ...local.camera?.summary, return_fps: back.summary.fps ?? 0, ...(local.camera ? { starts: local.camera.starts } : {}) }));
session.start();
back.start();
redraw();
void awake();
void resume();
setInterval(tick, 250);
