/**
 * A speaker's seat: their devices and what is sent from them. Devices change while live, by replacing the
 * track, so that the seat and the connection stay.
 */

import { complaint, open, openOne, openScreen, taken } from './devices.js';
import { Publisher } from './media.js';

/** @typedef {import('./devices.js').Choice} Choice @typedef {'audio' | 'video'} Kind */

const KINDS = /** @type {const} */ (['audio', 'video']);

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

  /**
   * @param {{pass: string | null, choice: Choice, off?: Kind[], onChange: () => void}} options `off`: what the speaker has
   *   switched off before; `onChange`: something is to be drawn anew
   */
  constructor(options) {
    this.options = options;
    /** What the speaker has switched off; devices that come later obey. */
    this.off = new Set(options.off);
  }

  get joined() {
    return this.camera !== null;
  }

  /** @param {Kind} kind @returns {boolean} whether it is there and switched on */
  on(kind) {
    return this.#live(kind).some((track) => track.enabled);
  }

  /** @param {Kind} kind @returns {MediaStreamTrack[]} */
  #live(kind) {
    return this.stream?.getTracks().filter((track) => track.kind === kind && track.readyState !== 'ended') ?? [];
  }

  /** Camera and microphone on. @returns {Promise<boolean>} whether there is at least a microphone */
  async open() {
    try {
      const { stream, missing } = await open(this.options.choice);
      this.stream = stream;
      delete this.trouble.devices;
      delete this.trouble.video;
      if (missing) this.trouble.video = complaint(missing, 'video');
      stream.getTracks().forEach((track) => this.#mind(track));
      KINDS.forEach((kind) => this.#obey(kind));
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

  /** @param {Kind} kind whose device was chosen anew or lost */
  async change(kind) {
    if (!this.stream) return;
    const [before] = this.#live(kind);
    try {
      await this.#use(await this.#another(kind, before));
      delete this.trouble[kind];
    } catch (error) {
      this.trouble[kind] = complaint(error, kind);
      if (before?.readyState === 'ended') await this.#back(kind, before.getSettings().deviceId ?? '');
    }
    this.options.onChange();
  }

  /** @param {MediaStreamTrack} track that is sent from now on */
  async #use(track) {
    this.#mind(track);
    track.enabled = !this.off.has(/** @type {Kind} */ (track.kind));
    if (this.camera) await this.camera.replace(track);
    else if (this.stream) swap(this.stream, track);
    this.#obey(/** @type {Kind} */ (track.kind));
  }

  /** Devices have come or gone: one that was lost, or never there, is looked for again. */
  async revive() {
    for (const kind of KINDS) if (this.#live(kind).length === 0) await this.change(kind);
  }

  /**
   * Phones open one camera at a time: there the old one has to go first.
   *
   * @param {Kind} kind @param {MediaStreamTrack | undefined} before
   */
  async #another(kind, before) {
    try {
      return await openOne(kind, this.options.choice);
    } catch (error) {
      if (!before || !taken(error)) throw error;
      before.stop();
      return openOne(kind, this.options.choice);
    }
  }

  /** The other one could not be had, and this one had gone for it. @param {Kind} kind @param {string} id */
  async #back(kind, id) {
    const word = kind === 'video' ? 'camera' : 'microphone';
    try {
      await this.#use(await openOne(kind, { ...this.options.choice, [word]: id }));
      this.trouble[kind] = `That ${word} is in use by another program, so the one before goes on. Close that program, then choose it again.`;
    } catch {
      console.info(`the ${word} of before is gone as well`); // what was said of the other one holds
    }
  }

  /** A device that is pulled out is replaced by the next best. @param {MediaStreamTrack} track */
  #mind(track) {
    const kind = /** @type {Kind} */ (track.kind);
    track.addEventListener('ended', () => {
      this.trouble[kind] = kind === 'video' ? 'The camera went away. Plug it in again, or choose another.' : 'The microphone went away. Plug it in again, or choose another.';
      this.options.onChange();
      void this.change(kind);
    });
  }

  /** @param {Kind} kind to be switched on or off; where there is no device, one is looked for */
  toggle(kind) {
    const wasOff = this.off.delete(kind);
    if (this.#live(kind).length === 0) return void this.change(kind);
    if (!wasOff) this.off.add(kind);
    this.#obey(kind);
    this.options.onChange();
  }

  /** What is switched off is neither heard nor seen, and the speaker knows. @param {Kind} kind */
  #obey(kind) {
    const off = this.off.has(kind);
    const tracks = this.#live(kind);
    for (const track of tracks) track.enabled = !off;
    if (!off || tracks.length === 0) delete this.trouble[`${kind}-off`];
    else this.trouble[`${kind}-off`] = kind === 'audio' ? 'Your microphone is off: nobody hears you.' : 'Your camera is off: your picture is black.';
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
