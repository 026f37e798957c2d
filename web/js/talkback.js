/**
 * The producer's voice in the speakers' ears. The microphone is opened at the first press and its
 * connection kept, so that the next press is heard at once; between presses it sends silence.
 */

import { complaint, remembered } from './devices.js';
import { Publisher } from './media.js';

/** Enough for a clear voice, bits a second. */
const VOICE_BITRATE = 32_000;

export class Talkback {
  #publisher = /** @type {Publisher | null} */ (null);
  #opening = false;
  #held = false;
  /** What is wrong, in a sentence; '' when nothing is. */
  trouble = '';

  /**
   * @param {{pass: string | null, say: (on: boolean, to: string[] | 'all' | null) => void, onChange: () => void}} options
   *   `say` tells the server who is to hear
   */
  constructor(options) {
    this.options = options;
  }

  /** @returns {'off' | 'opening' | 'live' | 'broken'} */
  get state() {
    if (this.trouble) return 'broken';
    if (!this.#held) return 'off';
    return this.#publisher?.status.state === 'connected' ? 'live' : 'opening';
  }

  /** What keeps a held button from being heard, in a sentence. */
  get waiting() {
    return this.#publisher?.status.message ?? 'Opening your microphone\u2026';
  }

  /** From now on these hear the microphone. @param {string[] | 'all'} to */
  async hold(to) {
    if (this.#held) return;
    this.#held = true;
    this.options.say(true, to);
    this.options.onChange();
    await this.#open();
    this.#gate();
  }

  /** Nobody hears it any more. */
  release() {
    if (!this.#held) return;
    this.#held = false;
    this.#gate();
    this.options.say(false, null);
    this.options.onChange();
  }

  /** The server is a new process. @param {number} age of it, ms */
  renew(age) {
    this.#publisher?.renew(age);
  }

  stop() {
    this.release();
    this.#publisher?.publish.stream.getTracks().forEach((track) => track.stop());
    this.#publisher?.stop();
    this.#publisher = null;
  }

  async #open() {
    if (this.#publisher || this.#opening) return;
    this.#opening = true;
    try {
      const { microphone } = remembered();
      const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...(microphone ? { deviceId: { ideal: microphone } } : {}) };
      const stream = await navigator.mediaDevices.getUserMedia({ audio });
      this.#publisher = new Publisher({
        path: '/whip?feed=talkback',
        pass: this.options.pass,
        stream,
        maxBitrate: VOICE_BITRATE,
        keep: 'balanced',
        most: 1500,
        onStatus: this.options.onChange,
      });
      stream.getTracks().forEach((track) => track.addEventListener('ended', () => this.stop()));
      this.#publisher.start();
      this.trouble = '';
    } catch (error) {
      this.trouble = complaint(error);
      this.release();
    }
    this.#opening = false;
  }

  #gate() {
    this.#publisher?.publish.stream.getTracks().forEach((track) => (track.enabled = this.#held));
  }
}
