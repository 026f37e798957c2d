/**
 * `<pv-timeline>`: the whole event as a bar to go back on, with its talks as chapters; a slider for the keyboard
 * and for screen readers. A picture and a title stand over the moment that a pointer is at.
 *
 * Events: `seek` (detail: epoch ms).
 */

import { el, keyed, setAttribute, setText, show } from '../dom.js';
import { behind, chapterAt, moment, names, place, spoken, strips, thumbnail } from '../timeline.js';
import { clock } from '../time.js';

/**
 * @typedef {import('../timeline.js').Extent} Extent @typedef {import('../timeline.js').Chapter} Chapter
 * @typedef {{whole: Extent, date: number, chapters: Chapter[], over: boolean, thumbs: {url: string, every: number} | null | undefined}} View
 */

/** What an arrow key moves, and with it a page key, ms. */
const STEP = 10_000;
const PAGE = 60_000;

/** Keys pressed in a row are one seek, ms. */
const SETTLE = 250;

export class Timeline extends HTMLElement {
  #track = el('div', { class: 'timeline-track' });
  #strips = el('div', { class: 'timeline-strips' });
  #knob = el('div', { class: 'timeline-knob' });
  #image = el('img', { class: 'timeline-image', alt: '', decoding: 'async' });
  #title = el('strong', { class: 'timeline-title' });
  #who = el('span', { class: 'timeline-who' });
  #when = el('span', { class: 'timeline-when number' });
  #preview = el('div', { class: 'timeline-preview', 'aria-hidden': 'true' }, this.#image, this.#title, this.#who, this.#when);
  #view = /** @type {View | null} */ (null);
  /** Where a pointer or the keys are, and playback is not yet; epoch ms. */
  #aim = /** @type {number | null} */ (null);
  /** Whether a pointer holds the knob: else the aim is of the keys, and a pointer only looks. */
  #dragging = false;
  #settling = 0;

  connectedCallback() {
    if (this.#track.isConnected) return;
    this.#track.append(this.#strips, this.#knob);
    this.append(this.#track, this.#preview);
    this.#preview.hidden = true;
    this.#image.addEventListener('error', () => show(this.#image, false));
    this.#image.addEventListener('load', () => show(this.#image, true));
    for (const [name, value] of Object.entries({ role: 'slider', tabindex: '0', 'aria-label': 'Programme so far', 'aria-orientation': 'horizontal' })) {
      if (!this.hasAttribute(name)) this.setAttribute(name, value);
    }
    this.addEventListener('pointermove', (event) => this.#point(event));
    this.addEventListener('pointerleave', () => !this.#dragging && this.#hide());
    this.addEventListener('pointerdown', (event) => this.#press(event));
    this.addEventListener('pointerup', (event) => this.#release(event));
    for (const end of ['pointercancel', 'lostpointercapture']) this.addEventListener(end, () => this.#dragging && this.#drop());
    this.addEventListener('keydown', (event) => this.#key(event));
  }

  /** @param {View | null} view null: there is nothing to go back to */
  update(view) {
    this.#view = view;
    show(this, view !== null);
    if (view) this.#draw(view);
  }

  /** Moves by so much, as the arrow keys do; several moves in a row are one. @param {number} ms */
  step(ms) {
    if (!this.#view || this.#dragging) return;
    const { whole } = this.#view;
    this.#aim = Math.min(whole.to, Math.max(whole.from, (this.#aim ?? this.#view.date) + ms));
    this.#draw(this.#view);
    clearTimeout(this.#settling);
    this.#settling = window.setTimeout(() => this.#seek(), SETTLE);
  }

  /** @param {View} view */
  #draw({ whole, date, chapters, over }) {
    const at = this.#aim ?? date;
    const share = place(whole, at);
    this.style.setProperty('--at', String(share));
    keyed(
      this.#strips,
      strips(whole, chapters),
      (strip) => strip.key,
      () => el('span', { class: 'timeline-strip' }, el('span', { class: 'timeline-played' })),
      (node, { chapter, left, width }) => {
        node.dataset.talk = chapter?.talk ?? '';
        node.style.setProperty('--left', String(left));
        node.style.setProperty('--width', String(width));
        node.style.setProperty('--played', String(Math.min(1, Math.max(0, (share - left) / width))));
      },
    );
    setAttribute(this, 'aria-valuemin', '0');
    setAttribute(this, 'aria-valuemax', String(Math.round((whole.to - whole.from) / 1000)));
    setAttribute(this, 'aria-valuenow', String(Math.round((at - whole.from) / 1000)));
    setAttribute(this, 'aria-valuetext', spoken(whole, at, chapters, over));
  }

  /** @param {PointerEvent} event @returns {number | null} the date under the pointer */
  #under(event) {
    if (!this.#view) return null;
    const { left, width } = this.#track.getBoundingClientRect();
    return width > 0 ? moment(this.#view.whole, (event.clientX - left) / width, this.#view.chapters) : null;
  }

  /** @param {PointerEvent} event */
  #point(event) {
    const date = this.#under(event);
    if (date === null || (event.pointerType === 'touch' && !this.#dragging)) return;
    if (this.#dragging) this.#aim = date;
    this.#look(date);
    if (this.#view) this.#draw(this.#view);
  }

  /** @param {PointerEvent} event */
  #press(event) {
    if (event.button !== 0) return;
    const date = this.#under(event);
    if (date === null) return;
    clearTimeout(this.#settling);
    this.#dragging = true;
    this.#aim = date;
    this.setPointerCapture(event.pointerId);
    this.#look(date);
    if (this.#view) this.#draw(this.#view);
  }

  /** @param {PointerEvent} event */
  #release(event) {
    if (!this.#dragging) return;
    this.#dragging = false;
    if (event.pointerType === 'touch') this.#hide();
    this.#seek();
  }

  #drop() {
    this.#aim = null;
    this.#dragging = false;
    this.#hide();
  }

  #seek() {
    const date = this.#aim;
    this.#aim = null;
    if (date !== null) this.dispatchEvent(new CustomEvent('seek', { detail: date }));
  }

  /** The picture and the title of a moment. @param {number} date */
  #look(date) {
    const view = this.#view;
    if (!view) return;
    const chapter = chapterAt(view.chapters, date);
    const url = thumbnail(view.thumbs, date);
    if (url === null) show(this.#image, false);
    else setAttribute(this.#image, 'src', url);
    setText(this.#title, chapter?.title ?? 'Between two talks');
    setText(this.#who, names(chapter));
    setText(this.#when, view.over ? clock(date) : `${clock(date)} \u00b7 ${behind(view.whole.to - date)}`);
    this.style.setProperty('--look', String(place(view.whole, date)));
    show(this.#preview, true);
  }

  #hide() {
    show(this.#preview, false);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const moves = /** @type {Record<string, number>} */ ({ ArrowUp: STEP, ArrowDown: -STEP, PageUp: PAGE, PageDown: -PAGE, Home: -Infinity, End: Infinity });
    const move = moves[event.key];
    if (move === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.step(move);
  }
}

customElements.define('pv-timeline', Timeline);
