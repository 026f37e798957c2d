/** `<pv-feed>`: one feed of the multiview, or the person whose feed is still missing. */

import { el, initials, setAttribute, setText, show } from '../dom.js';
import './meter.js';
import { Meter } from './meter.js';

/**
 * @typedef {{name: string, what: string, stream: MediaStream | null, tally: 'air' | 'standby' | 'off', level: number | null,
 *   words: string, tone: string, state: string, listening: boolean, canListen: boolean}} FeedView
 */

export class FeedTile extends HTMLElement {
  #video = el('video', { playsinline: true, autoplay: true, muted: true });
  #face = el('span', { class: 'feed-face', 'aria-hidden': 'true' });
  #name = el('strong', { class: 'feed-name' });
  #what = el('span', { class: 'feed-what' });
  #state = el('span', { class: 'pill feed-state' });
  #words = el('span', { class: 'feed-words' });
  #meter = /** @type {Meter} */ (document.createElement('pv-meter'));
  #listen = el('button', { class: 'feed-listen', 'aria-pressed': 'false' }, 'Listen');

  connectedCallback() {
    if (this.#video.isConnected) return;
    this.#video.muted = true;
    this.#meter.setAttribute('aria-hidden', 'true');
    const picture = el('div', { class: 'feed-picture' }, this.#face, this.#video, this.#state, this.#listen);
    const foot = el('div', { class: 'feed-foot' }, this.#name, this.#meter, this.#words);
    this.append(picture, foot);
    this.#name.after(this.#what);
    this.#listen.addEventListener('click', () => this.dispatchEvent(new CustomEvent('listen', { bubbles: true })));
  }

  /** @param {FeedView} view */
  update(view) {
    setText(this.#name, view.name);
    setText(this.#what, view.what);
    setText(this.#face, initials(view.name));
    setText(this.#state, view.state);
    this.#state.dataset.tone = view.tally === 'air' ? 'air' : view.tally === 'standby' || view.state === 'Ready' ? 'good' : '';
    setText(this.#words, view.words);
    this.#words.dataset.tone = view.tone;
    this.dataset.tally = view.tally;
    this.#meter.level = view.level;
    show(this.#meter, view.level !== null);
    if (this.#video.srcObject !== view.stream) this.#video.srcObject = view.stream;
    show(this.#video, view.stream !== null);
    this.#video.muted = !view.listening;
    show(this.#listen, view.canListen);
    setAttribute(this.#listen, 'aria-pressed', String(view.listening));
    setAttribute(this.#listen, 'aria-label', `Listen to ${view.name}`);
  }
}

customElements.define('pv-feed', FeedTile);
