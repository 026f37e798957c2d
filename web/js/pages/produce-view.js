/** Draws the producer's desk from the state. Every function is idempotent. */

import { FeedTile } from '../components/feed-tile.js';
import { bothClocks, updateHeader } from '../components/header.js';
import { byId, el, keyed, need, setAttribute, setText, show } from '../dom.js';
import { clientWords, feedWords, missing, warnings } from '../health.js';
import { doubts, endsAt, feedsOf, namesOf, onNow, personById, talkById, tallyOf } from '../rundown.js';
import { clock, clockSeconds, duration, length, ownZone } from '../time.js';
import { fault, personState } from '../words.js';

/** @typedef {import('../state.js').State} State @typedef {import('../types.js').Show} Show @typedef {import('../feed-pool.js').FeedPool} FeedPool */

/** Refusals that a determined producer may override. */
const FORCEABLE = ['people_missing', 'not_ready', 'no_picture', 'talk_over'];

/** Pictures a second below which the producer is told; the word alone, because a live region must not chatter. */
const SLOW_MIXER = 24;

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

/** Every feed to look at: what is up, of speakers in the order of the rundown, then clips. @param {State} state @returns {string[]} */
export function wantedFeeds(state) {
  if (!state.show || state.you?.role !== 'producer') return [];
  const ofPeople = speakers(state.show).flatMap((person) => person.feeds ?? []);
  const clips = (state.health?.feeds ?? []).filter((feed) => feed.kind === 'clip').map((feed) => feed.id);
  return [...new Set([...ofPeople, ...clips])];
}

/** @param {Show} event */
function speakers(event) {
  const ids = [...new Set(event.talks.flatMap((talk) => talk.speakers))];
  return ids.flatMap((id) => personById(event, id) ?? []);
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
  const slow = up && health.mixer.fps < SLOW_MIXER;
  setText(mixer, !health ? 'Mixer \u2026' : slow ? 'Mixer too slow' : up ? 'Mixer up' : 'Mixer starting');
  mixer.title = health ? `${Math.round(health.mixer.fps)} fps, ${Math.round(health.mixer.late_ms)} ms late, restarted ${health.mixer.restarts} times` : '';
  mixer.dataset.tone = !health ? '' : slow ? 'warn' : up ? 'good' : 'bad';
  if (!event) return;
  const talk = onNow(event);
  document.title = `${talk ? `\u25CF ${namesOf(event, talk)}` : 'Slate'} \u2013 desk \u2013 ${event.event.name}`;
  setText(byId('audience'), event.audience ? `${event.audience.viewers} viewers \u00b7 ${event.audience.screens} screens` : '');
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
  const feeds = event && talk ? feedsOf(event, talk) : [];
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

/** @param {Show} event @param {string} id of a feed @returns {{name: string, what: string}} */
function feedName(event, id) {
  const person = personById(event, id.replace(/\.slides$/, ''));
  if (person) return { name: person.name, what: id.endsWith('.slides') ? 'Slides' : '' };
  return { name: id.replace(/^clip\./, ''), what: 'Clip' };
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
  const ends = talk ? endsAt(talk) : event.air.slate.until;
  const time = byId('programme-time');
  const left = ends === null ? null : ends - now;
  setText(time, left === null ? '' : left >= 0 ? duration(left) : talk ? `+${duration(-left)}` : '');
  time.dataset.late = String(left !== null && left < 0);
}

/** Multiview and clients. @param {State} state @param {FeedPool} pool @param {string} listening @param {(id: string) => void} listen */
export function drawHealth(state, pool, listening, listen) {
  const { show: event, health } = state;
  if (!event) return;
  const cameras = speakers(event).map((person) => person.id);
  const others = wantedFeeds(state).filter((id) => !cameras.includes(id));
  keyed(
    byId('feeds'),
    [...cameras, ...others],
    (id) => id,
    (id) => {
      const tile = new FeedTile();
      tile.dataset.feed = id;
      tile.addEventListener('listen', () => listen(id));
      return tile;
    },
    (tile, id) => tile.update(viewOf(state, event, id, pool, listening)),
  );
  const clients = health?.clients ?? [];
  setText(byId('clients-count'), clients.length > 0 ? String(clients.length) : '');
  keyed(byId('clients'), clients, (client) => `${client.id} ${client.page} ${client.since}`, () => el('li', {}, el('span', { class: 'dot', 'aria-hidden': 'true' }), el('span', { class: 'clients-who' }, el('strong'), el('span', { class: 'muted' })), el('span', { class: 'clients-words number' })), (node, client) => {
    const [dot, who, words] = /** @type {HTMLElement[]} */ ([...node.children]);
    const said = clientWords(client);
    node.dataset.client = client.page;
    dot.dataset.tone = said.tone;
    setText(/** @type {Node} */ (who.firstChild), client.name || 'Viewer');
    setText(/** @type {Node} */ (who.lastChild), ` ${client.page}`);
    setText(words, said.words);
  });
}

/** @param {State} state @param {Show} event @param {string} id @param {FeedPool} pool @param {string} listening @returns {import('../components/feed-tile.js').FeedView} */
function viewOf(state, event, id, pool, listening) {
  const feed = state.health?.feeds.find((known) => known.id === id) ?? null;
  const owner = id.replace(/\.slides$/, '');
  const person = personById(event, owner);
  const { name, what } = feedName(event, id);
  const up = person?.feeds?.includes(id) ?? feed !== null;
  const said = feedWords(feed);
  const missing = person && !up ? (person.connected ? 'Connected, no camera' : 'Not here yet') : '';
  return {
    name,
    what,
    stream: up ? pool.stream(id) : null,
    tally: tallyOf(event, owner),
    level: up ? (feed?.level ?? null) : null,
    words: missing || said.words,
    tone: missing ? '' : said.tone,
    state: what ? what : personState(person?.state ?? ''),
    listening: listening === id,
    canListen: up && what !== 'Slides',
  };
}

/**
 * Refusals, the last problem, and what is wrong now.
 *
 * @param {State} state @param {{dismiss: (id: string) => void, force: (refusal: import('../state.js').Refusal) => void}} acts
 */
export function drawNotices(state, acts) {
  const { show: event } = state;
  const nameOf = (/** @type {string} */ id) => (event ? (personById(event, id)?.name ?? id) : id);
  const refused = state.refusals.map((refusal) => ({ id: refusal.id, tone: 'bad', text: `${refusedWord(refusal.command.type)} ${refusal.fault.message}`, code: refusal.fault.code, refusal }));
  const problem = event?.problem ? [{ id: `problem-${event.problem.at}`, tone: 'bad', text: `${clock(event.problem.at)}  ${event.problem.message}`, code: event.problem.code, refusal: null }] : [];
  const held = event?.air.held ? talkById(event, event.air.held) : null;
  const back = held && event?.air.returns ? [{ id: 'held', tone: '', text: `\u201C${held.title}\u201D comes back on air by itself as soon as its picture is back.`, code: '', refusal: null }] : [];
  const away = state.link === 'away' ? [{ id: 'away', tone: '', text: 'The desk lost the server and connects again by itself. What is on air stays on air.', code: '', refusal: null }] : [];
  const warned = state.link === 'open' ? warnings(state.health, nameOf).map((text) => ({ id: text, tone: '', text, code: '', refusal: null })) : [];
  keyed(
    byId('notices'),
    [...away, ...refused, ...problem, ...back, ...warned],
    (notice) => notice.id,
    (notice) => {
      const node = el('div', { class: 'notice' }, el('p'), el('span', { class: 'code' }));
      const { refusal } = notice;
      if (!refusal) return node;
      if (refusal.command.type === 'take' && FORCEABLE.includes(refusal.fault.code)) {
        const anyway = el('button', { class: 'button', 'data-force': true }, 'Take anyway');
        anyway.addEventListener('click', () => acts.force(refusal));
        node.append(anyway);
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
  const words = { take: 'Not taken.', cue: 'Not cued.', slate: 'Slate not shown.', scene: 'Layout not changed.' };
  return words[type] ?? 'Refused.';
}
