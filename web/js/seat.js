/**
 * A speaker's seat: their devices and what is sent from them. Devices change while live, by replacing the
 * track, so that the seat and the connection stay.
 */

import { complaint, open, openOne, openScreen } from './devices.js';
import { Publisher } from './media.js';

/** @typedef {import('./devices.js').Choice} Choice */

const CAMERA_BITRATE = 2_500_000;
const SLIDES_BITRATE = 2_000_000;

/** A speaker's connection tries again at least this often, ms: five seconds after a restart everybody is back. */
export const EAGER = 1500;

export class Seat {
  stream = /** @type {MediaStream | null} */ (null);
  camera = /** @type {Publisher | null} */ (null);
  slides = /** @type {Publisher | null} */ (null);
  /** What is wrong, by kind, in sentences. */
  trouble = /** @type {Record<string, string>} */ ({});

  /** @param {{pass: string | null, choice: Choice, onChange: () => void}} options `onChange`: something is to be drawn anew */
  constructor(options) {
    this.options = options;
  }

  get joined() {
    return this.camera !== null;
  }

  /** @param {'audio' | 'video'} kind @returns {boolean} whether it is there and switched on */
  on(kind) {
    return this.stream?.getTracks().some((track) => track.kind === kind && track.enabled) ?? false;
  }

  /** Camera and microphone on. @returns {Promise<boolean>} whether there is at least a microphone */
  async open() {
    try {
      const { stream, noCamera } = await open(this.options.choice);
      this.stream = stream;
      delete this.trouble.devices;
      if (noCamera) this.trouble.devices = 'No camera was found: you will be heard, but not seen.';
      stream.getTracks().forEach((track) => this.#mind(track));
    } catch (error) {
      this.trouble.devices = complaint(error);
    }
    return this.stream !== null;
  }

  /** Into the green room: from now on the producer sees the camera. */
  join() {
    if (!this.stream || this.camera) return;
    this.camera = this.#publish('/whip', this.stream, CAMERA_BITRATE, 'maintain-framerate');
  }

  /** @param {'video' | 'audio'} kind whose device was chosen anew or lost */
  async change(kind) {
    if (!this.stream) return;
    try {
      const before = this.stream.getTracks().find((track) => track.kind === kind);
      const track = await this.#another(kind, before);
      track.enabled = before?.enabled ?? true;
      this.#mind(track);
      if (this.camera) await this.camera.replace(track);
      else swap(this.stream, track);
      delete this.trouble[kind];
    } catch (error) {
      this.trouble[kind] = complaint(error, kind);
    }
    this.options.onChange();
  }

  /** Devices have come or gone: one that was lost is looked for again. */
  async revive() {
    const lost = this.stream?.getTracks().filter((track) => track.readyState === 'ended') ?? [];
    for (const { kind } of lost) await this.change(/** @type {'video' | 'audio'} */ (kind));
  }

  /**
   * Phones open one camera at a time: there the old one has to go first.
   *
   * @param {'video' | 'audio'} kind @param {MediaStreamTrack | undefined} before
   */
  async #another(kind, before) {
    try {
      return await openOne(kind, this.options.choice);
    } catch (error) {
      if (!before || !(error instanceof DOMException) || !['NotReadableError', 'AbortError'].includes(error.name)) throw error;
      before.stop();
      return openOne(kind, this.options.choice);
    }
  }

  /** A device that is pulled out is replaced by the next best. @param {MediaStreamTrack} track */
  #mind(track) {
    const kind = /** @type {'video' | 'audio'} */ (track.kind);
    track.addEventListener('ended', () => {
      this.trouble[kind] = kind === 'video' ? 'The camera went away. Plug it in again, or choose another.' : 'The microphone went away. Plug it in again, or choose another.';
      this.options.onChange();
      void this.change(kind);
    });
  }

  /** @param {'audio' | 'video'} kind */
  toggle(kind) {
    const tracks = this.stream?.getTracks().filter((track) => track.kind === kind) ?? [];
    for (const track of tracks) track.enabled = !track.enabled;
    if (this.on(kind)) delete this.trouble[`${kind}-off`];
    else this.trouble[`${kind}-off`] = kind === 'audio' ? 'Your microphone is off: nobody hears you.' : 'Your camera is off: your picture is black.';
    this.options.onChange();
  }

  /** The screen or a window, as a second feed. */
  async share() {
    if (this.slides) return this.unshare();
    try {
      const stream = await openScreen();
      stream.getVideoTracks()[0].addEventListener('ended', () => this.unshare());
      this.slides = this.#publish('/whip?feed=slides', stream, SLIDES_BITRATE, 'maintain-resolution');
      delete this.trouble.share;
    } catch (error) {
      // Closing the browser's own picker is a decision, not a fault.
      if (!(error instanceof DOMException) || error.name !== 'NotAllowedError') this.trouble.share = `Your screen cannot be shared: ${error instanceof Error ? error.message : String(error)}`;
    }
    this.options.onChange();
  }

  unshare() {
    this.slides?.publish.stream.getTracks().forEach((track) => track.stop());
    this.slides?.stop();
    this.slides = null;
    this.options.onChange();
  }

  /** The server is a new process. @param {number} age of it, ms */
  renew(age) {
    for (const publisher of [this.camera, this.slides]) publisher?.renew(age);
  }

  /** Everything off. */
  leave() {
    this.camera?.stop();
    if (this.slides) this.unshare();
    this.stream?.getTracks().forEach((track) => track.stop());
  }

  /** @param {string} path @param {MediaStream} stream @param {number} maxBitrate @param {'maintain-framerate' | 'maintain-resolution'} keep */
  #publish(path, stream, maxBitrate, keep) {
    const publisher = new Publisher({ path, pass: this.options.pass, stream, maxBitrate, keep, most: EAGER, onStatus: this.options.onChange });
    publisher.start();
    return publisher;
  }
}

/** @param {MediaStream} stream @param {MediaStreamTrack} track that takes the place of those of its kind */
function swap(stream, track) {
  for (const old of stream.getTracks()) {
    if (old.kind !== track.kind) continue;
    stream.removeTrack(old);
    old.stop();
  }
  stream.addTrack(track);
}
