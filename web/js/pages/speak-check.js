/** The check-in on the speaker's page: measures for some seconds, and says in plain words what to fix. */

import { findings, SAMPLES, verdict } from '../checkin.js';
import { byId, el, keyed, setText, show } from '../dom.js';

/** @typedef {import('../checkin.js').Sample} Sample */

/** While the browser lets nothing be measured, a voice counts as quiet, not as silent; dBFS. */
const UNKNOWN = -60;

/** The verdict in a sentence. */
const WORDS = {
  good: 'All is well: picture, voice and line.',
  warn: 'You can go on air. It gets better with this:',
  bad: 'Please fix this before you go on air:',
};

export class CheckIn {
  #samples = /** @type {Sample[]} */ ([]);
  #timer = 0;
  #canvas = /** @type {CanvasRenderingContext2D | null} */ (null);

  /**
   * @param {{seat: import('../seat.js').Seat, self: HTMLVideoElement, meter: import('../components/meter.js').Meter,
   *   back: import('../media.js').Watcher}} parts `back`: the programme's return
   */
  constructor(parts) {
    this.parts = parts;
  }

  /** Measures from now on, for some seconds. */
  start() {
    clearInterval(this.#timer);
    this.#samples = [];
    this.parts.meter.takePeak();
    this.#timer = window.setInterval(() => this.#measure(), 1000);
    show(byId('checkin'), true);
    this.#draw();
  }

  #measure() {
    const { camera } = this.parts.seat;
    const measured = camera?.status.state === 'connected' && camera.summary.bitrate !== undefined;
    // Before the connection stands there is nothing to measure; the notices say what keeps it.
    if (measured) this.#samples.push(this.#sample(camera.summary));
    if (this.#samples.length >= SAMPLES) clearInterval(this.#timer);
    this.#draw();
  }

  /** @param {import('../stats.js').Summary} sent @returns {Sample} */
  #sample(sent) {
    const { seat, meter, back } = this.parts;
    const peak = meter.takePeak();
    return {
      bitrate: Number(sent.bitrate ?? 0),
      loss: Number(sent.loss ?? 0),
      rtt: Number(sent.rtt_ms ?? 0),
      width: Number(sent.width ?? 0),
      height: Number(sent.height ?? 0),
      fps: Number(sent.fps ?? 0),
      limited: String(sent.limited ?? 'none'),
      room: sent.room === undefined ? null : Number(sent.room),
      bright: seat.on('video') ? this.#brightness() : null,
      level: seat.on('audio') ? peak ?? UNKNOWN : null,
      back: back.status.state === 'connected' ? Number(back.summary.fps ?? 0) : null,
    };
  }

  /** The mean luma of the own picture, 0 to 255. @returns {number | null} */
  #brightness() {
    this.#canvas ??= Object.assign(document.createElement('canvas'), { width: 32, height: 18 }).getContext('2d', { willReadFrequently: true });
    if (!this.#canvas || this.parts.self.videoWidth === 0) return null;
    this.#canvas.drawImage(this.parts.self, 0, 0, 32, 18);
    const { data } = this.#canvas.getImageData(0, 0, 32, 18);
    let sum = 0;
    for (let i = 0; i < data.length; i += 4) sum += 0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2];
    return sum / (data.length / 4);
  }

  #draw() {
    const done = this.#samples.length >= SAMPLES;
    const found = done ? findings(this.#samples) : [];
    const tone = verdict(found);
    const section = byId('checkin');
    section.dataset.state = done ? tone : 'measuring';
    setText(byId('checkin-word'), done ? WORDS[tone] : 'Measuring picture, voice and line. Say a few words, as loud as you will speak.');
    section.style.setProperty('--done', String(this.#samples.length / SAMPLES));
    show(byId('checkin-bar'), !done);
    show(byId('checkin-again'), done);
    keyed(
      byId('checkin-list'),
      found,
      ({ what }) => what,
      () => el('li', {}, el('span', { class: 'dot', 'aria-hidden': 'true' }), el('strong'), el('span', { class: 'checkin-found number' }), el('p', { class: 'checkin-fix' })),
      (node, finding) => {
        const [dot, name, value, fix] = /** @type {HTMLElement[]} */ ([...node.children]);
        node.dataset.check = finding.what;
        node.dataset.tone = dot.dataset.tone = finding.tone;
        setText(name, finding.name);
        setText(value, finding.found);
        setText(fix, finding.fix);
        show(fix, finding.fix !== '');
      },
    );
  }
}
