/**
 * `<pv-rundown>`: the order of the show for the producer.
 *
 * Events: `cue` (detail: talk id or null), `edit` (detail: an edit of docs/protocol.md), `open` (detail: the
 * talk whose form is wanted).
 */

import { el, keyed, setAttribute, setText, show } from '../dom.js';
import { movable, moveBefore, moveBy } from '../edits.js';
import { comesAt, endsAt, MINUTE, onNow, speakersOf } from '../rundown.js';
import { clock, duration, length } from '../time.js';
import { presence, talkState } from '../words.js';
import { movableRows } from './drag.js';

/** @typedef {import('../types.js').Show} Show @typedef {import('../types.js').Talk} Talk @typedef {import('../types.js').Person} Person */

/** @type {Record<string, string>} */
const TONES = { live: 'air', standby: 'good', done: '', skipped: '' };

/** A talk that begins this much later than planned is marked, ms. */
const LATE = 5 * MINUTE;

export class Rundown extends HTMLElement {
  #list = el('ol', { class: 'rundown' });
  #seen = '';
  #show = /** @type {Show | null} */ (null);

  connectedCallback() {
    if (this.#list.isConnected) return;
    this.append(this.#list);
    movableRows(this.#list, {
      drop: (id, before) => this.#edit(this.#show && moveBefore(this.#show, id, before)),
      step: (id, step) => this.#edit(this.#show && moveBy(this.#show, id, step)),
    });
  }

  /** @param {import('../edits.js').Edit | null} edit */
  #edit(edit) {
    if (edit) this.dispatchEvent(new CustomEvent('edit', { detail: edit }));
  }

  /** @param {Show} state @param {number} now server */
  update(state, now) {
    this.#show = state;
    keyed(
      this.#list,
      state.talks,
      (talk) => talk.id,
      (talk) => this.#row(talk.id),
      (node, talk) => this.#fill(node, state, talk, now),
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
    const button = (/** @type {string} */ name, /** @type {string} */ text, /** @type {() => void} */ press) => {
      const node = el('button', { class: `button rundown-${name}`, 'data-part': name }, text);
      node.addEventListener('click', press);
      return node;
    };
    const cue = button('cue', 'Cue', () => {
      const detail = cue.getAttribute('aria-pressed') === 'true' ? null : id;
      this.dispatchEvent(new CustomEvent('cue', { detail }));
    });
    cue.dataset.cue = id;
    const open = button('open', 'Edit', () => this.dispatchEvent(new CustomEvent('open', { detail: id })));
    open.dataset.open = id;
    const back = button('back', 'Take in again', () => this.#edit({ type: 'edit', do: 'unskip', talk: id }));
    const handle = el('button', { class: 'rundown-handle', 'data-part': 'handle', 'data-handle': id }, '\u2807');
    const badge = part('badge');
    badge.classList.add('pill');
    const times = el('div', { class: 'rundown-times number' }, part('number'), part('plan'), part('real'), open);
    const what = el('div', { class: 'rundown-what' }, part('title', 'h3'), part('people', 'ul'), part('notes'));
    return el('li', { class: 'rundown-item' }, handle, times, what, el('div', { class: 'rundown-act' }, badge, cue, back));
  }

  /** @param {HTMLElement} node @param {Show} state @param {Talk} talk @param {number} now */
  #fill(node, state, talk, now) {
    const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (node.querySelector(`[data-part="${name}"]`));
    node.dataset.talk = talk.id;
    node.dataset.state = talk.state;
    setText(part('number'), String(state.talks.indexOf(talk) + 1));
    setText(part('plan'), talk.start === null ? length(talk.minutes) : clock(talk.start));
    const real = realTime(state, talk, now);
    setText(part('real'), real.words);
    part('real').dataset.late = String(real.late);
    setText(part('title'), talk.title);
    keyed(
      part('people'),
      speakersOf(state, talk),
      (person) => person.id,
      () => el('li', {}, el('span', { class: 'dot', 'aria-hidden': 'true' }), el('span'), el('span', { class: 'rundown-presence' })),
      fillPerson,
    );
    setText(part('notes'), notes(talk));
    show(part('notes'), notes(talk) !== '');
    const held = state.air.held === talk.id;
    setText(part('badge'), held ? 'Held' : talkState(talk.state));
    part('badge').dataset.tone = held ? 'warn' : TONES[talk.state] ?? '';
    show(part('badge'), held || talk.state !== 'planned');
    const onAir = talk === onNow(state);
    const cued = talk.id === state.standby;
    const skipped = talk.state === 'skipped';
    show(part('cue'), !onAir && !skipped);
    show(part('back'), skipped);
    setText(part('cue'), cued ? 'Clear' : 'Cue');
    setAttribute(part('cue'), 'aria-pressed', String(cued));
    setAttribute(part('cue'), 'aria-label', cued ? `Clear ${talk.title} from standby` : `Cue ${talk.title}`);
    setAttribute(part('open'), 'aria-label', `Edit ${talk.title}`);
    const handle = part('handle');
    setAttribute(handle, 'aria-label', `Move ${talk.title}: arrow up and down`);
    setAttribute(handle, 'aria-disabled', movable(state, talk) ? null : 'true');
  }
}

/** @param {HTMLElement} node @param {Person} person */
function fillPerson(node, person) {
  const [dot, name, how] = /** @type {HTMLElement[]} */ ([...node.children]);
  const missing = person.connected === true && person.feeds !== undefined && !person.feeds.includes(person.id) && !person.removed;
  const { words, tone } = missing ? { words: 'no camera', tone: 'warn' } : presence(person);
  dot.dataset.tone = tone;
  setText(name, person.name);
  setText(how, `${words.toLowerCase()}${person.level?.muted ? ', muted' : ''}`);
}

/** @param {Talk} talk @returns {string} what is out of the ordinary */
function notes(talk) {
  const parts = [talk.clip ? 'Clip' : '', talk.automatic ? 'goes on by itself' : '', talk.fixed ? 'not before its time' : ''];
  if (talk.extended) parts.push(`${talk.extended > 0 ? '+' : '\u2212'}${length(Math.abs(talk.extended))}`);
  const said = parts.filter(Boolean).join(', ');
  return said.charAt(0).toUpperCase() + said.slice(1);
}

/** What was or will be, beside the plan. @param {Show} state @param {Talk} talk @param {number} now @returns {{words: string, late: boolean}} */
function realTime(state, talk, now) {
  if (talk.state === 'live') {
    const left = (state.air.ends ?? endsAt(talk) ?? now) - now;
    return left >= 0 ? { words: `${duration(left)} left`, late: false } : { words: `+${duration(-left)} over`, late: true };
  }
  if (talk.started !== null && talk.ended !== null) return { words: `${clock(talk.started)}\u2013${clock(talk.ended)}`, late: false };
  const comes = comesAt(talk);
  if (comes === null || talk.start === null || comes === talk.start) return { words: length(talk.minutes), late: false };
  return { words: `\u2192 ${clock(comes)}`, late: comes > talk.start + LATE };
}

customElements.define('pv-rundown', Rundown);
