/**
 * The recording and the LL-HLS programme in one video element, by hls.js, or by the browser itself where hls.js
 * cannot work (an iPhone without ManagedMediaSource). Moments are dates (epoch ms); null is the live edge.
 */

import { Edge } from './edge.js';
import { dateAt, pieces, timeAt } from './timeline.js';

/**
 * @typedef {import('./timeline.js').Piece} Piece
 * @typedef {{video: HTMLVideoElement, pass: string | null, onPicture: () => void, onFailed: (why: string, at: number | null) => void,
 *   onMissing: () => void}} DeckOptions `at`: the date of what was shown, epoch ms
 */

const LIBRARY = '/lib/hls.js';
const PLAYLIST = '/live/index.m3u8';
const HLS_TYPE = 'application/vnd.apple.mpegurl';

/** This near is there, s. */
const NEAR = 0.3;

/** So many fatal errors of the media are mended in place within a minute; more start anew. */
const MENDS = 3;

/** How hls.js is set up. */
export const CONFIG = Object.freeze({
  lowLatencyMode: true,
  maxLiveSyncPlaybackRate: 1, // edge.js keeps it live
  liveSyncOnStallIncrease: 0,
  enableWorker: false, // fMP4 needs no work, and a worker would need a blob: script
  preferManagedMediaSource: true,
  // Memory stays flat, however long one watches and wherever one jumps to; s and octets.
  backBufferLength: 20,
  maxBufferLength: 16,
  maxMaxBufferLength: 24,
  maxBufferSize: 24e6,
  frontBufferFlushThreshold: 30,
});

export class Deck {
  running = false;
  #hls = /** @type {any} */ (null);
  #edge = /** @type {Edge | null} */ (null);
  #turn = 0;
  #target = /** @type {number | null} */ (null);
  #begin = -1;
  /** Whether the video is where it is wanted; until then the target says where that is. */
  #placed = false;
  #rate = 1;
  #height = /** @type {number | null} */ (null);
  #pieces = /** @type {Piece[]} */ ([]);
  #mends = /** @type {number[]} */ ([]);
  #native = false;
  #imports = 0;
  #prepared = false;

  /** @param {DeckOptions} options */
  constructor(options) {
    this.options = options;
    for (const sign of ['playing', 'seeked', 'loadeddata']) options.video.addEventListener(sign, () => this.#shown());
    options.video.addEventListener('loadedmetadata', () => this.#native && this.#target !== null && this.#place());
    options.video.addEventListener('error', () => this.#native && this.running && this.#fail('the browser cannot play it'));
  }

  /**
   * @param {number | null} date where to begin
   * @param {number | null} oldest how far back the recording goes, if one knows: then the first request is the right one
   */
  async start(date, oldest) {
    if (this.running) return this.seek(date);
    this.running = true;
    this.#target = date;
    this.#begin = date === null || oldest === null ? -1 : Math.max(0, (date - oldest) / 1000);
    this.#placed = false;
    const turn = ++this.#turn;
    const library = await this.#library();
    if (turn !== this.#turn) return;
    if (library === 'away') return this.#fail('the library does not come');
    if (library?.isSupported()) return this.#open(library);
    if (this.options.video.canPlayType(HLS_TYPE)) return this.#openNative();
    this.stop();
    this.options.onMissing();
  }

  /** hls.js; null where this server has none. Only who needs it loads it. @returns {Promise<any>} */
  async #library() {
    // A browser may remember that an import failed; another address is another try.
    const url = this.#imports === 0 ? LIBRARY : `${LIBRARY}?${this.#imports}`;
    try {
      return (await import(url)).default;
    } catch {
      this.#imports += 1;
      const answer = await fetch(LIBRARY, { method: 'HEAD' }).catch(() => null);
      return answer?.status === 404 ? null : 'away';
    }
  }

  /** Somebody may want to go back in a moment: the library comes meanwhile. */
  prepare() {
    if (!this.#prepared) void this.#library();
    this.#prepared = true;
  }

  stop() {
    this.#stay();
    this.#turn += 1;
    this.running = false;
    this.#edge?.leave();
    this.#edge = null;
    this.#hls?.destroy();
    this.#hls = null;
    this.#pieces = [];
    if (this.#native) this.options.video.removeAttribute('src');
    if (this.#native) this.options.video.load();
    this.#native = false;
  }

  /** The media leaves the video, and its time says nothing then: the target says where it was. */
  #stay() {
    const at = this.date;
    if (this.#target !== null && at !== null) this.#target = at;
    this.#placed = false;
  }

  /** Plays from this date; null: from the live edge. @param {number | null} date */
  seek(date) {
    this.#target = date;
    this.#placed = false;
    this.#applyRate();
    if (this.running && this.#place() === false && this.#placed) this.#shown();
  }

  /** How fast the recording plays; live always plays as it comes. @param {number} rate */
  set rate(rate) {
    this.#rate = rate;
    this.#applyRate();
  }

  /** @returns {number | null} the date of what is shown, epoch ms */
  get date() {
    return this.#placed ? this.#dateAt(this.options.video.currentTime) : this.#target;
  }

  /** @returns {number | null} how far behind the newest picture the shown one is, ms */
  get latency() {
    const latency = this.#hls?.latency;
    return typeof latency === 'number' && latency > 0 ? Math.round(latency * 1000) : null;
  }

  /** @returns {number[]} the heights that one can choose from, px, largest first; none while they are not known */
  get heights() {
    const all = /** @type {{height: number}[]} */ (this.#hls?.levels ?? []);
    return [...new Set(all.map(({ height }) => height))].filter(Boolean).sort((a, b) => b - a);
  }

  /** How large the picture is wished, px; null: as the line carries it. Kept for what is started later. @param {number | null} height */
  set height(height) {
    this.#height = height;
    if (this.#hls?.levels.length > 0) this.#hls.nextLevel = this.#level(); // else they are awaited
  }

  /** @returns {number} the wished level of hls.js; -1: by itself */
  #level() {
    const all = /** @type {{height: number}[]} */ (this.#hls.levels);
    return this.#height === null ? -1 : all.findIndex(({ height }) => height === this.#height);
  }

  /** @param {any} Hls the library */
  #open(Hls) {
    const { pass, video } = this.options;
    const own = pass ? { xhrSetup: (/** @type {XMLHttpRequest} */ xhr) => xhr.setRequestHeader('Authorization', `Bearer ${pass}`) } : {};
    const hls = new Hls({ ...CONFIG, ...own, startPosition: this.#begin });
    this.#hls = hls;
    this.#edge = new Edge(video, hls);
    hls.on(Hls.Events.LEVEL_UPDATED, (/** @type {string} */ _name, /** @type {any} */ { details }) => (this.#pieces = pieces(details.fragments)));
    hls.on(Hls.Events.MANIFEST_PARSED, () => this.#level() >= 0 && (hls.loadLevel = this.#level()));
    hls.on(Hls.Events.ERROR, (/** @type {string} */ _name, /** @type {any} */ data) => data.fatal && this.#mend(Hls, data));
    this.#applyRate();
    hls.loadSource(PLAYLIST);
    hls.attachMedia(video);
  }

  #openNative() {
    this.#native = true;
    this.options.video.src = PLAYLIST;
  }

  /** Goes to the target, if one knows where that is. @returns {boolean} whether that is somewhere else */
  #place() {
    const { video } = this.options;
    if (video.readyState < 1) return false;
    const time = this.#target === null ? this.#end() : this.#timeAt(this.#target);
    if (time === null) return false;
    this.#placed = true;
    if (Math.abs(video.currentTime - time) < NEAR) return false;
    video.currentTime = time;
    return true;
  }

  /** @returns {number | null} where live playback belongs, s */
  #end() {
    if (this.#hls) return this.#hls.liveSyncPosition;
    const { seekable } = this.options.video;
    return seekable.length > 0 ? seekable.end(seekable.length - 1) - 3 : null;
  }

  /** @param {number} time s @returns {number | null} */
  #dateAt(time) {
    if (!this.#native) return dateAt(this.#pieces, time);
    const begin = this.#nativeBegin();
    return begin === null ? null : begin + time * 1000;
  }

  /** @param {number} date epoch ms @returns {number | null} */
  #timeAt(date) {
    if (!this.#native) return timeAt(this.#pieces, date);
    const begin = this.#nativeBegin();
    return begin === null ? null : Math.max(0, (date - begin) / 1000);
  }

  /** @returns {number | null} the date of time 0, where Safari knows it */
  #nativeBegin() {
    const video = /** @type {HTMLVideoElement & {getStartDate?: () => Date}} */ (this.options.video);
    const begin = video.getStartDate?.().getTime();
    return begin === undefined || Number.isNaN(begin) ? null : begin;
  }

  #applyRate() {
    const live = this.#target === null;
    if (live) this.#edge?.follow();
    else this.#edge?.leave();
    const { video } = this.options;
    video.defaultPlaybackRate = 1;
    video.playbackRate = live ? 1 : this.#rate;
  }

  #shown() {
    if (!this.running || this.options.video.readyState < 2) return;
    // A restart of the server may have left a hole before the target: then its place was not where it seemed.
    if (!this.#placed && this.#target !== null && this.#place()) return;
    this.#placed = true;
    this.#applyRateOnce();
    this.options.onPicture();
  }

  /** A new source begins at rate 1. */
  #applyRateOnce() {
    const { video } = this.options;
    if (this.#target !== null && video.playbackRate !== this.#rate) video.playbackRate = this.#rate;
  }

  /** @param {any} Hls @param {{type: string, details: string, response?: {code: number}}} data */
  #mend(Hls, data) {
    const now = performance.now();
    this.#mends = [...this.#mends.filter((at) => now - at < 60_000), now];
    if (data.type !== Hls.ErrorTypes.MEDIA_ERROR || this.#mends.length > MENDS) return this.#fail(data.details);
    this.#stay();
    this.#hls.recoverMediaError();
  }

  /** @param {string} why */
  #fail(why) {
    console.info(`${PLAYLIST}: ${why}`);
    const at = this.date;
    this.stop();
    this.options.onFailed(why, at);
  }
}
