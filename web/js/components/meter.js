/**
 * `<pv-meter>`: how loud a sound is, in dBFS. Fed by `listen(stream)` from a microphone, or by `level`
 * with figures from the server.
 */

import { el } from '../dom.js';

/** The quietest level drawn, dBFS. */
const FLOOR = -60;

/** What is said of digital silence, dBFS. */
const SILENCE = -100;

/** Louder than this counts as a voice, dBFS. */
const VOICE = -45;

export class Meter extends HTMLElement {
  #bar = el('span', { class: 'meter-bar' });
  #context = /** @type {AudioContext | null} */ (null);
  #source = /** @type {MediaStreamAudioSourceNode | null} */ (null);
  #analyser = /** @type {AnalyserNode | null} */ (null);
  #samples = new Float32Array(1024);
  #timer = 0;
  /** When a voice was last heard, performance.now(); -Infinity for never. */
  heardAt = -Infinity;
  #peak = /** @type {number | null} */ (null);

  connectedCallback() {
    if (this.#bar.isConnected) return;
    this.append(this.#bar);
    this.setAttribute('role', 'meter');
    this.setAttribute('aria-valuemin', String(FLOOR));
    this.setAttribute('aria-valuemax', '0');
    if (!this.hasAttribute('aria-label')) this.setAttribute('aria-label', 'Sound level');
    this.level = null;
  }

  disconnectedCallback() {
    clearInterval(this.#timer);
  }

  /** @param {number | null} dbfs null for silence or no sound at all */
  set level(dbfs) {
    const value = dbfs === null ? FLOOR : Math.max(FLOOR, Math.min(0, dbfs));
    if (value > VOICE) this.heardAt = performance.now();
    this.#bar.style.setProperty('--level', String((value - FLOOR) / -FLOOR));
    this.#peak = Math.max(this.#peak ?? SILENCE, dbfs ?? SILENCE);
    this.dataset.loud = value > -6 ? 'clip' : value > VOICE ? 'voice' : 'quiet';
    this.setAttribute('aria-valuenow', String(Math.round(value)));
    this.setAttribute('aria-valuetext', value <= FLOOR ? 'silent' : `${Math.round(value)} decibels`);
  }

  /** The loudest since this was asked last, dBFS; null when nothing was measured. @returns {number | null} */
  takePeak() {
    const peak = this.#peak;
    this.#peak = null;
    return peak;
  }

  /** @param {MediaStream} stream whose first audio track is measured from now on */
  listen(stream) {
    this.#context ??= new AudioContext();
    const context = this.#context;
    // Without a gesture the context sleeps; the next one wakes it.
    if (context.state === 'suspended') {
      void context.resume();
      addEventListener('pointerdown', () => void context.resume(), { once: true });
      addEventListener('keydown', () => void context.resume(), { once: true });
    }
    this.#source?.disconnect();
    this.#source = null;
    if (stream.getAudioTracks().length === 0) return;
    this.#analyser ??= new AnalyserNode(context, { fftSize: 1024, smoothingTimeConstant: 0 });
    this.#source = context.createMediaStreamSource(new MediaStream(stream.getAudioTracks()));
    this.#source.connect(this.#analyser);
    clearInterval(this.#timer);
    this.#timer = window.setInterval(() => this.#measure(), 66);
  }

  #measure() {
    // A context that sleeps hears nothing, which is not silence.
    if (!this.#analyser || this.#context?.state !== 'running') return;
    this.#analyser.getFloatTimeDomainData(this.#samples);
    const power = this.#samples.reduce((sum, sample) => sum + sample * sample, 0) / this.#samples.length;
    this.level = power > 0 ? 10 * Math.log10(power) : null;
  }
}

customElements.define('pv-meter', Meter);
