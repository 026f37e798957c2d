/**
 * `<pv-agenda>`: the talks in the viewer's own time, with what is on now and next, and those that can be watched again.
 *
 * Events: `watch` (detail: a talk's id).
 */

import { el, keyed, setAttribute, setText, show } from '../dom.js';
import { describe, isAgain, onNow, speakersOf, upNext } from '../rundown.js';
import { clock, ownZone, sameClock, shortDay, zoneName } from '../time.js';

/** @typedef {import('../types.js').Show} Show @typedef {import('../types.js').Talk} Talk */

export class Agenda extends HTMLElement {
  #list = el('ol', { class: 'agenda' });

  connectedCallback() {
    if (this.#list.isConnected) return;
    this.append(this.#list);
    this.addEventListener('click', (event) => {
      const row = event.target instanceof Element && event.target.closest('.agenda-watch') ? event.target.closest('li') : null;
      if (row) this.dispatchEvent(new CustomEvent('watch', { detail: row.dataset.talk }));
    });
  }

  /** @param {Show} state @param {(talk: string) => boolean} [kept] whether the talk can be watched from its start */
  update(state, kept = () => false) {
    const now = onNow(state);
    const next = state.phase === 'over' ? null : upNext(state);
    keyed(
      this.#list,
      state.talks.filter((talk) => !isAgain(talk) || talk.state !== 'skipped'),
      (talk) => talk.id,
      () => row(),
      (node, talk) => {
        fill(node, state, talk, talk === now ? 'now' : talk === next ? 'next' : talk.state);
        offer(node, talk, talk === now, kept(talk.id));
      },
    );
  }
}

function row() {
  const part = (/** @type {string} */ name, /** @type {'span' | 'p' | 'h3' | 'ul'} */ tag) => el(tag, { class: `agenda-${name}`, 'data-part': name });
  const badge = part('badge', 'span');
  badge.classList.add('pill');
  const when = el('div', { class: 'agenda-when' }, part('time', 'span'), part('zone', 'span'), badge);
  const watch = el('button', { class: 'agenda-watch' });
  watch.hidden = true;
  return el('li', { class: 'agenda-item' }, when, el('div', { class: 'agenda-what' }, part('title', 'h3'), part('speakers', 'ul'), watch));
}

/** @param {HTMLElement} node @param {Talk} talk @param {boolean} now @param {boolean} kept */
function offer(node, talk, now, kept) {
  const watch = /** @type {HTMLElement} */ (node.querySelector('.agenda-watch'));
  show(watch, kept);
  setText(watch, now ? 'From the start' : 'Watch again');
  setAttribute(watch, 'aria-label', `${now ? 'Watch from the start' : 'Watch again'}: ${talk.title}`);
}

/** @type {Record<string, {text: string, tone: string}>} */
const BADGES = {
  now: { text: 'On now', tone: 'air' },
  next: { text: 'Next', tone: 'next' },
  done: { text: 'Done', tone: '' },
  skipped: { text: 'Left out', tone: '' },
};

/** @param {HTMLElement} node @param {Show} state @param {Talk} talk @param {string} mood */
function fill(node, state, talk, mood) {
  const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (node.querySelector(`[data-part="${name}"]`));
  node.dataset.mood = mood;
  node.dataset.talk = talk.id;
  node.dataset.state = talk.state;
  if (mood === 'now') node.setAttribute('aria-current', 'true');
  else node.removeAttribute('aria-current');
  const { start } = talk;
  setText(part('time'), start === null ? '\u2014' : clock(start));
  const own = ownZone();
  const zone = state.event.timezone;
  const foreign = start !== null && !sameClock(start, own, zone);
  show(part('zone'), foreign);
  if (foreign && start !== null) {
    const date = shortDay(start, zone) === shortDay(start, own) ? '' : ` (${shortDay(start, zone)})`;
    setText(part('zone'), `${clock(start, zone)} ${zoneName(zone)}${date}`);
  }
  setText(part('title'), talk.title);
  keyed(
    part('speakers'),
    speakersOf(state, talk),
    (person) => person.id,
    () => el('li', {}, el('strong'), el('span')),
    (item, person) => {
      setText(/** @type {Node} */ (item.firstChild), person.name);
      setText(/** @type {Node} */ (item.lastChild), describe(person));
    },
  );
  const badge = BADGES[mood];
  show(part('badge'), badge !== undefined);
  if (badge) {
    setText(part('badge'), badge.text);
    part('badge').dataset.tone = badge.tone;
  }
}

customElements.define('pv-agenda', Agenda);
