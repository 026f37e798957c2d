/**
 * `<pv-feed>`: one feed of the multiview, or the person whose feed is still missing.
 *
 * Events, all bubbling: `listen`, `mute`, `person` (more about the owner), `talk` (detail: whether the button is held).
 */

import { el, initials, setAttribute, setText, show } from '../dom.js';
import { holdable } from './hold.js';
import './meter.js';
import { Meter } from './meter.js';

/**
 * @typedef {{name: string, what: string, stream: MediaStream | null, tally: 'air' | 'standby' | 'off', level: number | null,
 *   words: string, tone: string, figures: string, state: string, stateTone: string, listening: boolean, canListen: boolean,
 *   person: boolean, muted: boolean, gain: number, spoken: boolean}} FeedView
 *   `person`: a speaker's camera, so the buttons for people are shown; `gain` in dB; `spoken`: talkback goes to them now
 */

export class FeedTile extends HTMLElement {
  #video = el('video', { playsinline: true, autoplay: true, muted: true });
  #face = el('span', { class: 'feed-face', 'aria-hidden': 'true' });
  #name = el('strong', { class: 'feed-name' });
  #state = el('span', { class: 'pill feed-state' });
  #words = el('span', { class: 'feed-words' });
  #figures = el('span', { class: 'feed-figures number' });
  #meter = /** @type {Meter} */ (document.createElement('pv-meter'));
  #listen = el('button', { class: 'feed-listen', 'aria-pressed': 'false' }, 'Listen');
  #talk = el('button', { class: 'feed-button', 'aria-pressed': 'false' }, 'Talk');
  #mute = el('button', { class: 'feed-button', 'aria-pressed': 'false' }, 'Mute');
  #more = el('button', { class: 'feed-button', 'aria-haspopup': 'dialog' }, 'More');
  #acts = el('div', { class: 'feed-acts' }, this.#talk, this.#mute, this.#more);

  connectedCallback() {
    if (this.#video.isConnected) return;
    this.#video.muted = true;
    this.#meter.setAttribute('aria-hidden', 'true');
    const picture = el('div', { class: 'feed-picture' }, this.#face, this.#video, this.#state, this.#listen);
    const foot = el('div', { class: 'feed-foot' }, this.#name, this.#meter, this.#words, this.#figures, this.#acts);
    this.append(picture, foot);
    this.#listen.addEventListener('click', () => this.#tell('listen'));
    this.#mute.addEventListener('click', () => this.#tell('mute'));
    this.#more.addEventListener('click', () => this.#tell('person'));
    holdable(this.#talk, (held) => this.#tell('talk', held));
  }

  /** @param {number} dbfs */
  set level(dbfs) {
    this.#meter.level = dbfs;
  }

  /** @param {string} name @param {unknown} [detail] */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
  }

  /** @param {FeedView} view */
  update(view) {
    const whole = view.what ? `${view.name} \u00b7 ${view.what.toLowerCase()}` : view.name;
    setText(this.#name, whole);
    setText(this.#face, initials(view.name));
    setText(this.#state, view.state);
    this.#state.dataset.tone = view.stateTone;
    setText(this.#words, view.words);
    this.#words.dataset.tone = view.tone;
    setText(this.#figures, view.figures);
    this.dataset.tally = view.tally;
    this.#meter.level = view.level;
    show(this.#meter, view.level !== null);
    if (this.#video.srcObject !== view.stream) this.#video.srcObject = view.stream;
    show(this.#video, view.stream !== null);
    this.#video.muted = !view.listening;
    show(this.#listen, view.canListen);
    setAttribute(this.#listen, 'aria-pressed', String(view.listening));
    setAttribute(this.#listen, 'aria-label', `Listen to ${whole}`);
    this.#drawActs(view);
  }

  /** @param {FeedView} view */
  #drawActs({ person, name, muted, gain, spoken }) {
    show(this.#acts, person);
    setAttribute(this.#talk, 'aria-pressed', String(spoken));
    setAttribute(this.#talk, 'aria-label', `Talk to ${name}: hold`);
    setAttribute(this.#mute, 'aria-pressed', String(muted));
    setText(this.#mute, muted ? 'Muted' : 'Mute');
    setAttribute(this.#mute, 'aria-label', muted ? `Unmute ${name}` : `Mute ${name}`);
    const tuned = gain === 0 ? '' : ` ${gain > 0 ? '+' : '\u2212'}${Math.abs(gain)}`;
    setText(this.#more, `More${tuned}`);
    setAttribute(this.#more, 'aria-label', `More about ${name}${tuned ? `, level ${tuned} decibels` : ''}`);
  }
}

customElements.define('pv-feed', FeedTile);
