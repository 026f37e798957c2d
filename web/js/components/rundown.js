/** `<pv-rundown>`: the order of the show for the producer, with cue buttons. Fires `cue` (detail: talk id or null). */

import { el, keyed, setAttribute, setText, show } from '../dom.js';
import { endsAt, forecast, onNow, speakersOf } from '../rundown.js';
import { clock, duration, length } from '../time.js';
import { personState, talkState } from '../words.js';

/** @typedef {import('../types.js').Show} Show @typedef {import('../types.js').Talk} Talk @typedef {import('../types.js').Person} Person */

/** @type {Record<string, string>} */
const TONES = { live: 'air', standby: 'good', done: '', skipped: '' };

/** @type {Record<string, string>} */
const DOTS = { on_air: 'air', standby: 'good', ready: 'good', green_room: 'warn', absent: 'bad' };

export class Rundown extends HTMLElement {
  #list = el('ol', { class: 'rundown' });
  #seen = '';

  connectedCallback() {
    if (!this.#list.isConnected) this.append(this.#list);
  }

  /** @param {Show} state @param {number} now server */
  update(state, now) {
    const expected = forecast(state, now);
    keyed(
      this.#list,
      state.talks,
      (talk) => talk.id,
      (talk) => this.#row(talk.id),
      (node, talk) => this.#fill(node, state, talk, expected.get(talk.id) ?? null, now),
    );
    this.#follow(`${state.air.talk ?? ''}`);
  }

  /** Keeps the talk on air in sight, in a list that scrolls; once a change, so that nobody's scrolling is undone. @param {string} id */
  #follow(id) {
    if (id === this.#seen) return;
    this.#seen = id;
    const node = /** @type {HTMLElement | null} */ (this.#list.querySelector(`[data-talk="${CSS.escape(id)}"]`));
    const box = this.parentElement;
    if (node && box && box.scrollHeight > box.clientHeight) box.scrollTop = node.offsetTop - box.offsetTop - 48;
  }

  /** @param {string} id */
  #row(id) {
    const part = (/** @type {string} */ name, /** @type {'span' | 'ul' | 'h3'} */ tag = 'span') => el(tag, { class: `rundown-${name}`, 'data-part': name });
    const cue = el('button', { class: 'button rundown-cue', 'data-part': 'cue', 'data-cue': id }, 'Cue');
    cue.addEventListener('click', () => {
      const detail = cue.getAttribute('aria-pressed') === 'true' ? null : id;
      this.dispatchEvent(new CustomEvent('cue', { detail }));
    });
    const badge = part('badge');
    badge.classList.add('pill');
    const times = el('div', { class: 'rundown-times number' }, part('number'), part('plan'), part('real'));
    return el('li', { class: 'rundown-item' }, times, el('div', { class: 'rundown-what' }, part('title', 'h3'), part('people', 'ul')), el('div', { class: 'rundown-act' }, badge, cue));
  }

  /** @param {HTMLElement} node @param {Show} state @param {Talk} talk @param {number | null} expected @param {number} now */
  #fill(node, state, talk, expected, now) {
    const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (node.querySelector(`[data-part="${name}"]`));
    node.dataset.talk = talk.id;
    node.dataset.state = talk.state;
    setText(part('number'), String(state.talks.indexOf(talk) + 1));
    setText(part('plan'), talk.start === null ? length(talk.minutes) : clock(talk.start));
    setText(part('real'), realTime(state, talk, expected, now));
    part('real').dataset.late = String(talk.state === 'live' && (endsAt(talk) ?? now) < now);
    setText(part('title'), talk.title);
    keyed(
      part('people'),
      speakersOf(state, talk),
      (person) => person.id,
      () => el('li', {}, el('span', { class: 'dot', 'aria-hidden': 'true' }), el('span'), el('span', { class: 'rundown-presence' })),
      fillPerson,
    );
    const held = state.air.held === talk.id;
    setText(part('badge'), held ? 'Held' : talkState(talk.state));
    part('badge').dataset.tone = held ? 'warn' : TONES[talk.state] ?? '';
    show(part('badge'), held || talk.state !== 'planned');
    const onAir = talk === onNow(state);
    const cued = talk.id === state.standby;
    show(part('cue'), !onAir);
    setText(part('cue'), cued ? 'Clear' : 'Cue');
    setAttribute(part('cue'), 'aria-pressed', String(cued));
    setAttribute(part('cue'), 'aria-label', cued ? `Clear ${talk.title} from standby` : `Cue ${talk.title}`);
  }
}

/** @param {HTMLElement} node @param {Person} person */
function fillPerson(node, person) {
  const [dot, name, presence] = /** @type {HTMLElement[]} */ ([...node.children]);
  const missing = person.connected === true && person.feeds !== undefined && !person.feeds.includes(person.id);
  const state = person.state ?? 'absent';
  dot.dataset.tone = missing && state !== 'absent' ? 'warn' : DOTS[state] ?? '';
  setText(name, person.name);
  setText(presence, missing ? 'no camera' : personState(state).toLowerCase());
}

/** @param {Show} state @param {Talk} talk @param {number | null} expected @param {number} now @returns {string} */
function realTime(state, talk, expected, now) {
  if (talk.state === 'live' && talk.started !== null) {
    const left = (endsAt(talk) ?? now) - now;
    return left >= 0 ? `${duration(left)} left` : `+${duration(-left)} over`;
  }
  if (talk.started !== null && talk.ended !== null) return `${clock(talk.started)}\u2013${clock(talk.ended)}`;
  if (expected === null || state.phase === 'before') return length(talk.minutes);
  return talk.start !== null && Math.abs(expected - talk.start) < 90_000 ? length(talk.minutes) : `\u2192 ${clock(expected)}`;
}

customElements.define('pv-rundown', Rundown);
