/** Draws the producer's desk from the state. Every function is idempotent. */

import { bothClocks, updateHeader } from '../components/header.js';
import { byId, el, keyed, need, setAttribute, setText, show } from '../dom.js';
import { isSlow, missing, warnings } from '../health.js';
import { moveKey, moveWords } from '../moves.js';
import { anyway } from '../refusals.js';
import { doubts, endsAt, feedsOf, namesOf, onNow, personById, talkById } from '../rundown.js';
import { clock, clockSeconds, duration, length, ownZone } from '../time.js';
import { fault } from '../words.js';
import { feedName } from './produce-feeds.js';

/** @typedef {import('../state.js').State} State @typedef {import('../types.js').Show} Show @typedef {import('../feed-pool.js').FeedPool} FeedPool */

/** @param {State} state @returns {boolean} whether a card stands in place of the desk */
export function drawRefused(state) {
  updateHeader(state);
  const wrong = state.you !== null && state.you.role !== 'producer';
  const code = state.bye && state.link === 'ended' ? state.bye.code : wrong ? (state.you?.role === 'viewer' ? 'pass_missing' : 'role_forbidden') : null;
  show(byId('card'), code !== null);
  show(byId('desk'), code === null);
  if (code === null) return false;
  const { title, text } = fault(code, state.bye?.message);
  setText(byId('card-title'), title);
  setText(byId('card-text'), text);
  setText(byId('card-code'), code);
  return true;
}

/** @param {State} state @param {{transition: string}} local */
export function drawDesk(state, local) {
  const { show: event, health } = state;
  setText(byId('me'), state.you ? `${state.you.name}, producer` : '');
  for (const button of document.querySelectorAll('#transition button')) {
    setAttribute(button, 'aria-pressed', String(/** @type {HTMLElement} */ (button).dataset.transition === local.transition));
  }
  const mixer = byId('mixer');
  const up = health?.mixer.state === 'up';
  const slow = up && isSlow(health.mixer.fps, health);
  // The word alone, because a live region must not chatter.
  setText(mixer, !health ? 'Mixer \u2026' : slow ? 'Mixer too slow' : up ? 'Mixer up' : 'Mixer starting');
  mixer.title = health ? `${Math.round(health.mixer.fps)} fps, ${Math.round(health.mixer.late_ms)} ms late, restarted ${health.mixer.restarts} times` : '';
  mixer.dataset.tone = !health ? '' : slow ? 'warn' : up ? 'good' : 'bad';
  if (!event) return;
  const talk = onNow(event);
  document.title = `${talk ? `\u25CF ${namesOf(event, talk)}` : 'Slate'} \u2013 desk \u2013 ${event.event.name}`;
  setText(byId('audience'), event.audience ? `${event.audience.viewers} viewers \u00b7 ${event.audience.screens} screens` : '');
  show(byId('phase'), event.phase !== 'live');
  setText(byId('phase'), { before: 'Before the start', live: 'Live', over: 'Over' }[event.phase]);
  setText(byId('programme-title'), talk ? talk.title : event.air.slate.title || 'Slate');
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll('#layout button'))) {
    setAttribute(button, 'aria-pressed', String(event.air.kind === 'talk' && button.dataset.layout === event.air.layout));
    button.disabled = event.air.kind !== 'talk';
  }
  const slate = byId('slate-state');
  setText(slate, event.air.kind === 'slate' ? 'On air' : 'Off');
  slate.dataset.tone = event.air.kind === 'slate' ? 'air' : '';
  need('slate-name', HTMLInputElement).placeholder = event.air.slate.title || event.event.name;
  need('slate-message', HTMLInputElement).placeholder = event.air.slate.message;
}

/** @param {State} state @param {FeedPool} pool */
export function drawPreview(state, pool) {
  const event = state.show;
  const talk = event ? talkById(event, event.standby) : null;
  const box = byId('preview');
  box.dataset.layout = talk?.layout ?? 'full';
  const known = (state.health?.feeds ?? []).map((feed) => feed.id);
  const feeds = event && talk ? (talk.feeds?.length ? talk.feeds : feedsOf(event, talk)) : [];
  const shown = feeds.length > 0 || !talk ? feeds : known.filter((id) => id === `clip.${talk.id}`);
  box.dataset.count = String(shown.length);
  setAttribute(/** @type {Element} */ (box.parentElement), 'data-empty', talk === null);
  setText(byId('preview-title'), talk ? talk.title : 'Nothing on standby');
  setText(byId('preview-time'), talk ? length(talk.minutes) : '');
  show(byId('preview-empty'), shown.length === 0);
  setText(byId('preview-empty'), talk ? 'No picture yet' : 'Cue a talk in the rundown');
  const list = box.querySelector('.preview-feeds') ?? box.appendChild(el('div', { class: 'preview-feeds' }));
  keyed(
    /** @type {HTMLElement} */ (list),
    shown,
    (id) => id,
    () => {
      const video = el('video', { playsinline: true, autoplay: true, muted: true });
      video.muted = true;
      return el('div', { class: 'preview-feed' }, el('span', { class: 'preview-name' }, el('strong'), el('span')), video);
    },
    (node, id) => {
      const video = /** @type {HTMLVideoElement} */ (node.lastChild);
      const stream = pool.stream(id);
      if (video.srcObject !== stream) video.srcObject = stream;
      show(video, stream !== null);
      const [name, why] = /** @type {HTMLElement[]} */ ([.../** @type {Element} */ (node.firstChild).children]);
      setText(name, event ? feedName(event, id).name : id);
      setText(why, event ? missing(event, state.health, id) : '');
      setAttribute(node, 'data-missing', !event || missing(event, state.health, id) !== '');
    },
  );
}

/** @param {State} state @param {{ok: boolean, reason: string | null}} verdict */
export function drawTake(state, verdict) {
  const event = state.show;
  const talk = event ? talkById(event, event.standby) : null;
  setAttribute(byId('take'), 'aria-disabled', verdict.ok ? null : 'true');
  setText(byId('take-why'), verdict.ok && event && talk ? `Next on air: ${namesOf(event, talk) || talk.title}` : verdict.reason ?? '');
  keyed(byId('doubts'), event && talk ? doubts(event, talk) : [], (text) => text, () => el('li'), (node, text) => setText(node, text));
}

/** @param {Show} event @param {number} now server */
export function drawTimes(event, now) {
  setText(byId('clock'), clockSeconds(now) + bothClocks(now, event.event).replace(clock(now, ownZone()), ''));
  const talk = onNow(event);
  const ends = talk ? (event.air.ends ?? endsAt(talk)) : event.air.slate.until;
  const time = byId('programme-time');
  const left = ends === null ? null : ends - now;
  setText(time, left === null ? '' : left >= 0 ? duration(left) : talk ? `+${duration(-left)}` : '');
  time.dataset.late = String(left !== null && left < 0);
  show(byId('extend'), talk !== null);
  const { forecast } = event;
  const minutes = Math.round((forecast?.behind ?? 0) / 60_000);
  const drift = minutes === 0 ? 'on time' : `${Math.abs(minutes)} min ${minutes > 0 ? 'late' : 'early'}`;
  setText(byId('ends'), forecast && event.phase !== 'over' ? `Ends ${clock(forecast.end)}, ${drift}` : '');
  byId('ends').dataset.tone = minutes >= 5 ? 'warn' : '';
}

/**
 * Refusals, the last problem, and what is wrong now.
 *
 * @param {State} state
 * @param {{dismiss: (id: string) => void, force: (refused: string, command: import('../types.js').Command) => void, news: import('../types.js').Move[]}} acts
 *   `force`: what was refused, again; `news`: what other producers have just done
 */
export function drawNotices(state, acts) {
  const { show: event } = state;
  const nameOf = (/** @type {string} */ id) => (event ? (personById(event, id)?.name ?? event.targets?.find((target) => target.id === id)?.name ?? id) : id);
  const refused = state.refusals.map((refusal) => ({ id: refusal.id, tone: 'bad', text: `${refusedWord(refusal.command.type)} ${refusal.fault.message}`, code: refusal.fault.code, refusal }));
  const problem = event?.problem ? [{ id: `problem-${event.problem.at}`, tone: 'bad', text: `${clock(event.problem.at)}  ${event.problem.message}`, code: event.problem.code, refusal: null }] : [];
  const held = event?.air.held ? talkById(event, event.air.held) : null;
  const back = held && event?.air.returns ? [{ id: 'held', tone: '', text: `\u201C${held.title}\u201D comes back on air by itself as soon as its picture is back.`, code: '', refusal: null }] : [];
  const lost = (event?.air.lost ?? []).map((id) => ({ id: `lost-${id}`, tone: '', text: `${nameOf(id.replace(/\.slides$/, ''))}: the ${id.endsWith('.slides') ? 'shared screen' : 'picture'} is lost; the talk goes on without it until it is back.`, code: '', refusal: null }));
  const others = event ? acts.news.map((move) => ({ id: moveKey(move), tone: 'news', text: `${moveWords(event, move).by} ${moveWords(event, move).words}.`, code: '', refusal: null })) : [];
  const away = state.link === 'away' ? [{ id: 'away', tone: '', text: 'The desk lost the server and connects again by itself. What is on air stays on air.', code: '', refusal: null }] : [];
  const warned = state.link === 'open' ? warnings(state.health, nameOf).map((text) => ({ id: text, tone: '', text, code: '', refusal: null })) : [];
  keyed(
    byId('notices'),
    [...away, ...refused, ...problem, ...back, ...lost, ...warned, ...others],
    (notice) => notice.id,
    (notice) => {
      const node = el('div', { class: 'notice' }, el('p'), el('span', { class: 'code' }));
      const { refusal } = notice;
      if (!refusal) return node;
      const forced = anyway(refusal);
      if (forced) {
        const button = el('button', { class: 'button', 'data-force': true }, forced.word);
        button.addEventListener('click', () => acts.force(refusal.id, forced.command));
        node.append(button);
      }
      const close = el('button', { class: 'button quiet' }, 'Close');
      close.addEventListener('click', () => acts.dismiss(refusal.id));
      node.append(close);
      return node;
    },
    (node, notice) => {
      node.dataset.tone = notice.tone;
      node.dataset.code = notice.code;
      const [text, code] = /** @type {HTMLElement[]} */ ([...node.children]);
      setText(text, notice.text);
      setText(code, notice.code);
    },
  );
}

/** @param {string} type of the command @returns {string} */
function refusedWord(type) {
  /** @type {Record<string, string>} */
  const words = {
    take: 'Not taken.',
    cue: 'Not cued.',
    slate: 'Slate not shown.',
    scene: 'Layout not changed.',
    edit: 'Rundown not changed.',
    level: 'Level not changed.',
    talkback: 'Not heard.',
    message: 'Not sent.',
    remove: 'Not removed.',
    admit: 'Not let in.',
    target: 'Platforms not changed.',
  };
  return words[type] ?? 'Refused.';
}
