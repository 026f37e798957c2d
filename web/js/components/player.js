/**
 * `<pv-player>`: the programme, with sound as soon as the browser allows it, and a card while there is
 * no picture. It measures what is really presented, by requestVideoFrameCallback.
 *
 * Events: `sound` (detail: 'on' | 'off' | 'refused') when the sound's state changes.
 */

import { el, setText, show } from '../dom.js';

/** A pause between two pictures that a viewer sees as a freeze, ms. */
const FREEZE = 300;

export class Player extends HTMLElement {
  video = el('video', { playsinline: true, autoplay: true, 'aria-label': 'Programme' });
  #cardTitle = el('p', { class: 'player-card-title' });
  #cardText = el('p', { class: 'player-card-text' });
  #cardCode = el('p', { class: 'code player-card-code' });
  #card = el('div', { class: 'player-card' }, this.#cardTitle, this.#cardText, this.#cardCode);
  #wantsSound = true;
  #gesture = false;
  /** When the last picture was presented, performance.now(), or 0 before the first. */
  lastPicture = 0;
  /** When a gesture let the sound on, performance.now(). */
  unlockedAt = -Infinity;
  #filled = false;
  #resting = false;
  #held = false;
  #first = 0;
  #asked = 0;
  #presented = 0;
  #longest = 0;
  #freezes = 0;

  connectedCallback() {
    if (this.video.isConnected) return;
    this.append(this.video, this.#card);
    this.#card.hidden = true;
    this.video.addEventListener('volumechange', () => this.#tellSound());
    // The browser pauses media at times of its own (calls, hidden tabs); a live programme goes on.
    this.video.addEventListener('pause', () => !this.#held && void this.#play());
    if (typeof this.video.requestVideoFrameCallback === 'function') this.video.requestVideoFrameCallback(this.#picture);
    else this.video.addEventListener('timeupdate', () => this.#seen(performance.now()));
  }

  /** The programme was asked for: the wait for the first picture counts from here. */
  tuning() {
    this.#asked ||= performance.now();
  }

  /** @param {MediaStream} stream */
  attach(stream) {
    this.tuning();
    if (this.video.srcObject !== stream) this.video.srcObject = stream;
    void this.#play();
  }

  /** Something else than a stream was put into the video, or (false) taken out. @param {boolean} filled */
  fill(filled) {
    this.#filled = filled;
    if (filled) void this.#play();
  }

  /** Another player is shown in the place of this one: no sound, whatever is wished. @param {boolean} resting */
  rest(resting) {
    if (this.#resting === resting) return;
    this.#resting = resting;
    this.lastPicture = 0; // the pause while another one was shown is no freeze
    this.toggleAttribute('data-rest', resting);
    this.video.muted = resting || !this.#wantsSound;
    void this.#play();
  }

  /** Paused, because the viewer wants it so. @param {boolean} held */
  hold(held) {
    this.#held = held;
    this.video.autoplay = !held; // or else it would begin by itself with what comes next
    if (held) this.video.pause();
    else void this.#play();
  }

  /** Sound on or off, as somebody wishes. @param {boolean} on */
  sound(on) {
    this.#wantsSound = on;
    this.video.muted = this.#resting || !on;
    void this.#play();
  }

  get hasSound() {
    return !this.video.muted && this.video.volume > 0;
  }

  /** A card over the picture; null takes it away. @param {{title: string, text?: string, code?: string | null} | null} card */
  card(card) {
    show(this.#card, card !== null);
    this.toggleAttribute('data-card', card !== null);
    if (!card) return;
    setText(this.#cardTitle, card.title);
    setText(this.#cardText, card.text ?? '');
    setText(this.#cardCode, card.code ?? '');
    show(this.#cardCode, Boolean(card.code));
  }

  /** Numbers for `report` and for tests. @returns {Record<string, number>} */
  stats() {
    return {
      presented: this.#presented,
      longest_gap_ms: Math.round(this.#longest),
      gaps: this.#freezes,
      first_picture_ms: this.#first ? Math.round(this.#first - this.#asked) : 0,
      sound: this.hasSound ? 1 : 0,
    };
  }

  async #play() {
    if (this.#held || !(this.video.srcObject || this.#filled)) return;
    if (this.#wantsSound && !this.#resting) this.video.muted = false;
    try {
      await this.video.play();
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== 'NotAllowedError' || this.video.muted) return;
      this.video.muted = true;
      this.#awaitGesture();
      this.dispatchEvent(new CustomEvent('sound', { detail: 'refused' }));
      await this.video.play().catch(() => undefined);
    }
    this.#tellSound();
  }

  /** The browser wants a gesture before sound: the first one anywhere on the page counts. */
  #awaitGesture() {
    this.#wantsSound = false;
    if (this.#gesture) return;
    this.#gesture = true;
    const done = () => {
      removeEventListener('pointerdown', done, true);
      removeEventListener('keydown', done, true);
      this.#gesture = false;
      this.unlockedAt = performance.now();
      this.sound(true);
    };
    addEventListener('pointerdown', done, true);
    addEventListener('keydown', done, true);
  }

  #tellSound() {
    if (this.#resting) return;
    const detail = this.hasSound ? 'on' : this.#gesture ? 'refused' : 'off';
    if (this.dataset.sound === detail) return;
    this.dataset.sound = detail;
    this.dispatchEvent(new CustomEvent('sound', { detail }));
  }

  /** @param {number} now */
  #picture = (now) => {
    this.video.requestVideoFrameCallback(this.#picture);
    const before = this.lastPicture;
    if (!this.#seen(now) || !before || this.#held || document.visibilityState !== 'visible') return;
    this.#longest = Math.max(this.#longest, now - before);
    if (now - before > FREEZE) this.#freezes += 1;
  };

  /** Time updates, where nothing better is told, come too seldom to tell a freeze by. @param {number} now @returns {boolean} whether it was a picture */
  #seen(now) {
    // A stream that ends turns black, and that counts as a picture to the browser.
    const { srcObject } = this.video;
    if (srcObject instanceof MediaStream ? !srcObject.active : !this.#filled) return false;
    this.#first ||= now;
    this.#presented += 1;
    this.lastPicture = now;
    return true;
  }
}

customElements.define('pv-player', Player);
