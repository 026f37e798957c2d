/** Draws the speaker's page from the state. Every function is idempotent. */

import { updateHeader } from '../components/header.js';
import { setTally } from '../components/tally.js';
import { announce, byId, el, keyed, need, setAttribute, setText, show } from '../dom.js';
import { turnWords } from '../cues.js';
import { before, namesOf, onNow, talkById, talkOf } from '../rundown.js';
import { quality } from '../stats.js';
import { clock, inWords, length, ownZone, sameClock, zoneName } from '../time.js';
import { fault } from '../words.js';

/** @typedef {import('../state.js').State} State @typedef {import('../types.js').Show} Show @typedef {import('../components/tally.js').Light} Light */

/** While the server does not answer, what was measured before says nothing. */
const LOST = { level: 'poor', words: 'Connection lost: coming back' };

/** @param {State} state @returns {boolean} whether a card stands in place of the page */
export function drawCard(state) {
  updateHeader(state);
  setText(byId('me'), state.you?.name ?? 'Speaker');
  const wrong = state.you && state.you.role !== 'speaker';
  const code = state.bye && state.link === 'ended' ? state.bye.code : wrong ? (state.you?.role === 'viewer' ? 'pass_missing' : 'role_forbidden') : null;
  show(byId('card'), code !== null);
  show(byId('live'), code === null);
  document.body.dataset.card = code ?? '';
  if (code === null) return false;
  const { title, text } = fault(code, state.bye?.message);
  setTally('off', title);
  setText(byId('card-title'), title);
  setText(byId('card-text'), text);
  setText(byId('card-code'), code);
  show(byId('card-button'), code === 'taken_over' || code === 'removed');
  setText(byId('card-button'), code === 'removed' ? 'Try again' : 'Use this device instead');
  return true;
}

/** @param {State} state @param {Light} tally @param {{joined: boolean}} local */
export function drawLight(state, tally, local) {
  const { show: event } = state;
  const name = event?.event.name ?? 'Pavilion';
  setTally(tally, `${state.you?.name ?? 'Speaker'} \u2013 ${name}`, local.joined ? 'Green room' : 'Device check');
  const line = lineFor(state, tally, local.joined);
  if (byId('tally-line').textContent !== line && local.joined) announce(tally === 'off' ? line : `${tally === 'air' ? 'You are on air' : 'You are on standby'}. ${line}`);
  setText(byId('tally-line'), line);
  const own = event?.you?.state;
  const ready = own === 'ready' || (own === 'standby' && isReady(state));
  const button = need('ready', HTMLButtonElement);
  show(button, local.joined && tally !== 'air');
  setAttribute(button, 'aria-pressed', String(ready));
  setText(button, ready ? 'Ready \u2713' : 'I am ready');
  show(byId('pass-floor'), tally === 'air');
}

/** The speaker's own last word counts, until the server has heard it. @param {State} state */
function isReady(state) {
  const said = Object.values(state.pending).find((pending) => pending.command.type === 'ready');
  return said ? said.command.ready === true : state.show?.you?.ready === true;
}

/** @param {State} state @param {Light} tally @param {boolean} joined @returns {string} */
function lineFor(state, tally, joined) {
  const { show: event } = state;
  if (!joined && tally !== 'off') return `You are ${tally === 'air' ? 'on air' : 'next'}, and your camera is off here: turn it on now.`;
  if (!joined) return 'Check picture and sound, then enter the green room. Nobody sees you yet.';
  if (!event) return 'Waiting for the server';
  if (state.link === 'away' || state.link === 'connecting') return 'The line to the studio broke. It comes back by itself; stay here.';
  if (tally === 'air' && event.you?.level?.muted) return 'Everybody sees you; the stage manager has closed your microphone.';
  if (tally === 'air') return 'Everybody sees and hears you.';
  if (event.air.held && event.air.held === event.you?.talk && event.air.returns) return 'Your picture was lost. You are on air again as soon as it is back.';
  const mine = talkOf(event, state.you?.id ?? '');
  if (!mine) return event.phase === 'over' ? 'The event is over. Thank you.' : 'Your talk is over. Thank you.';
  const turn = turnWords(event, mine.id);
  if (tally === 'standby') return turn;
  return event.you?.state === 'ready' ? `The stage manager knows that you are ready. ${turn}` : 'Press \u201CI am ready\u201D when you are. The stage manager sees you.';
}

/** @param {State} state @param {number} now server */
export function drawTurn(state, now) {
  const { show: event } = state;
  if (!event) return;
  const on = onNow(event);
  setText(byId('on-title'), on ? `On now: ${namesOf(event, on)}` : event.air.slate.title || 'Slate');
  const mine = talkOf(event, state.you?.id ?? '');
  show(byId('turn-when'), mine !== null);
  setText(byId('talk-title'), mine?.title ?? 'No talk of yours is still to come');
  const zone = event.event.timezone;
  const foreign = mine?.start != null && !sameClock(mine.start, ownZone(), zone);
  const plan = mine?.start == null ? '' : `Planned for ${clock(mine.start)}${foreign ? ` (${clock(mine.start, zone)} ${zoneName(zone)})` : ''}, ${length(mine.minutes)}`;
  setText(byId('talk-plan'), plan);
  const waiting = mine ? before(event, mine.id) : [];
  const first = mine !== null && waiting.length === 0;
  setText(byId('before-title'), mine === null ? '' : mine === on ? '' : first ? 'Nobody is before you' : 'Before you');
  keyed(byId('before'), mine === on ? [] : waiting, (talk) => talk.id, () => el('li', {}, el('strong'), el('span', { class: 'muted' }), el('span', { class: 'pill' })), (node, talk) => {
    const [who, what, badge] = /** @type {HTMLElement[]} */ ([...node.children]);
    setText(who, namesOf(event, talk));
    setText(what, talk.title);
    show(badge, talk === on);
    setText(badge, 'On air');
    badge.dataset.tone = 'air';
  });
  drawWhen(event, mine, now);
}

/** @param {Show} event @param {import('../types.js').Talk | null} mine @param {number} now server */
function drawWhen(event, mine, now) {
  if (!mine) return;
  const pill = byId('turn-when');
  const at = mine.expected;
  if (mine === onNow(event)) setText(pill, 'On air');
  else if (mine.id === event.standby) setText(pill, 'Next');
  else setText(pill, at == null ? '' : `Expected ${inWords(at - now)}`);
  pill.dataset.tone = mine === onNow(event) ? 'air' : mine.id === event.standby ? 'next' : '';
}

/** Passing the floor takes two presses. @param {Show | null} event @param {boolean} armed by the first */
export function drawPass(event, armed) {
  const button = byId('pass-floor');
  const next = event && talkById(event, event.follows ?? null);
  setAttribute(button, 'aria-disabled', next ? null : 'true');
  setAttribute(button, 'data-armed', armed && Boolean(next));
  if (!event || !next) setText(button, 'Pass the floor: nobody is on standby yet');
  else setText(button, armed ? `Press again: pass to ${namesOf(event, next)}` : `Pass the floor to ${namesOf(event, next)}`);
}

/** @param {{id: string, text: string, dismissible: boolean}[]} notices @param {(id: string) => void} dismiss */
export function drawNotices(notices, dismiss) {
  keyed(
    byId('notices'),
    notices,
    (notice) => notice.id,
    (notice) => {
      const node = el('div', { class: 'notice', 'data-tone': notice.dismissible ? 'bad' : null }, el('p'));
      if (!notice.dismissible) return node;
      const close = el('button', { class: 'button quiet' }, 'Close');
      close.addEventListener('click', () => dismiss(notice.id));
      node.append(close);
      return node;
    },
    (node, notice) => setText(/** @type {Node} */ (node.firstChild), notice.text),
  );
}

/** @param {Record<'videoinput' | 'audioinput' | 'audiooutput', MediaDeviceInfo[]>} devices @param {MediaStream} stream @param {import('../devices.js').Choice} choice */
export function drawPickers(devices, stream, choice) {
  const used = (/** @type {string} */ kind) => stream.getTracks().find((track) => track.kind === kind)?.getSettings().deviceId ?? '';
  fillPicker('pick-camera', devices.videoinput, used('video'), 'Camera');
  fillPicker('pick-microphone', devices.audioinput, used('audio'), 'Microphone');
  show(byId('speaker-field'), 'setSinkId' in HTMLMediaElement.prototype && devices.audiooutput.length > 0);
  fillPicker('pick-speaker', devices.audiooutput, choice.speaker || 'default', 'Loudspeaker');
}

/** @param {string} id @param {MediaDeviceInfo[]} devices @param {string} used @param {string} word */
function fillPicker(id, devices, used, word) {
  const select = need(id, HTMLSelectElement);
  const options = devices.map((device, index) => el('option', { value: device.deviceId }, device.label || `${word} ${index + 1}`));
  // With an option of its own for "none", the only device there is can be chosen.
  const none = used === '' ? [el('option', { value: '', disabled: true }, `No ${word.toLowerCase()}`)] : [];
  select.replaceChildren(...none, ...options);
  select.disabled = options.length === 0;
  if (used === '' || devices.some((device) => device.deviceId === used)) select.value = used;
}

/** The buttons of the own picture, and what is shared. @param {import('../seat.js').Seat} seat */
export function drawSeat(seat) {
  const has = seat.stream !== null;
  show(byId('start'), !has);
  show(byId('join'), has && !seat.joined);
  for (const [id, kind, word] of /** @type {const} */ ([['mic', 'audio', 'Microphone'], ['camera', 'video', 'Camera']])) {
    show(byId(id), has);
    setAttribute(byId(id), 'aria-pressed', String(seat.on(kind)));
    setText(byId(id), seat.on(kind) ? `${word} on` : `${word} off`);
  }
  show(byId('self-empty'), !seat.stream?.getVideoTracks().length);
  setText(byId('self-empty'), has ? 'No camera: you will be heard, but not seen' : 'Your camera is not on yet');
  const { slides } = seat;
  show(byId('share'), seat.joined && slides === null && Boolean(navigator.mediaDevices?.getDisplayMedia));
  show(byId('slides'), slides !== null);
  const video = need('slides-video', HTMLVideoElement);
  const stream = slides?.publish.stream ?? null;
  if (video.srcObject !== stream) video.srcObject = stream;
  if (!slides) return;
  const up = slides.status.state === 'connected';
  setText(byId('slides-word'), up ? 'The stage manager can show it beside you.' : slides.status.message ?? 'Connecting\u2026');
  byId('slides-word').dataset.tone = up ? 'good' : 'warn';
}

/** @param {import('../media.js').Publisher | null} publisher @param {State} state */
export function drawQuality(publisher, state) {
  const pill = byId('quality');
  const sending = publisher?.status.state === 'connected' && Object.keys(publisher.summary).length > 0;
  show(pill, Boolean(publisher));
  const { level, words } = state.link === 'away' ? LOST : sending && publisher ? quality(publisher.summary) : { level: 'fair', words: 'Connecting your picture\u2026' };
  setText(pill, words);
  pill.dataset.tone = level === 'good' ? 'good' : level === 'fair' ? 'warn' : 'bad';
  document.body.dataset.sending = publisher?.status.state ?? 'idle';
}

/** @param {import('../components/meter.js').Meter} meter @param {MediaStream | null} stream */
export function drawVoice(meter, stream) {
  const ago = performance.now() - meter.heardAt;
  const on = stream?.getAudioTracks().some((track) => track.enabled) ?? false;
  const word = !stream ? '' : !on ? 'Microphone off' : ago < 15_000 ? 'We hear you' : Number.isFinite(ago) ? 'Quiet' : 'Say a few words';
  setText(byId('voice'), word);
  byId('voice').dataset.heard = String(on && ago < 15_000);
}
