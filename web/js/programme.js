/**
 * The programme for a viewer, live by WebRTC or LL-HLS, or from the recording: puts the two ways together as
 * transport.js says, and shows the one whose picture is there.
 *
 * Events: `change` whenever something that a page shows may be another, `sound` as of the player.
 */

import { Player } from './components/player.js';
import { Deck } from './deck.js';
import { Watcher } from './media.js';
import { AT_EDGE } from './timeline.js';
import { begin, choose, plan } from './transport.js';

/** What WebRTC is behind what happens, ms: so far back a pause begins. */
const RTC_LATENCY = 200;

/** Pictures this fresh are moving, ms. */
const FRESH = 1500;

const TICK = 200; // ms

/** Without a new picture for this long the page says so, ms. */
const LOST = 3000;

export class Programme extends EventTarget {
  /** @type {'rtc' | 'hls' | null} */
  shown = null;
  rate = 1;
  paused = false;
  /** How far back the recording goes, if one knows, epoch ms. @type {number | null} */
  oldest = null;
  #choice = begin(performance.now());
  /** What LL-HLS was told last to play: a date, or null for the live edge. */
  #target = /** @type {number | null} */ (null);
  #quality = 'auto';
  #renditions = /** @type {string[]} */ ([]);
  #streamAt = 0;
  /** Since when the next picture is to be expected: what was paused or hidden had none. */
  #shownAt = 0;
  #stopped = false;

  /**
   * @param {{live: Player, replay: Player, pass: string | null, now: () => number}} options the two players lie upon one
   *   another; `now`: the server's clock, epoch ms
   */
  constructor({ live, replay, pass, now }) {
    super();
    this.live = live;
    this.replay = replay;
    this.now = now;
    this.watcher = new Watcher({
      path: '/whep',
      pass,
      freezeAfter: 3000,
      onStream: (stream) => this.#stream(stream),
      onStatus: ({ state, code }) => {
        if (state === 'connected') void this.#learnRenditions();
        this.#act({ type: 'rtc', state, code, at: performance.now() });
      },
    });
    this.deck = new Deck({
      video: replay.video,
      pass,
      onPicture: () => this.#act({ type: 'picture', of: 'hls', at: performance.now() }),
      onFailed: (_why, at) => {
        if (!this.isLive && at !== null) this.#target = at; // it begins anew where it was, not where one jumped to
        this.#act({ type: 'hls', state: 'failed', at: performance.now() });
      },
      onMissing: () => this.#act({ type: 'hls', state: 'missing', at: performance.now() }),
    });
  }

  start() {
    this.live.tuning();
    this.replay.rest(true);
    for (const player of [this.live, this.replay]) {
      player.addEventListener('sound', (event) => this.dispatchEvent(new CustomEvent('sound', { detail: /** @type {CustomEvent} */ (event).detail })));
      player.video.addEventListener('volumechange', () => this.#tell());
    }
    document.addEventListener('visibilitychange', () => (this.#shownAt = performance.now()));
    setInterval(() => this.#tick(), TICK);
    this.#follow();
  }

  /** For good. */
  stop() {
    this.#stopped = true;
    this.watcher.stop();
    this.deck.stop();
    this.#tell();
  }

  /** @returns {Player} the player that is shown, or will be */
  get player() {
    return this.shown === 'hls' ? this.replay : this.live;
  }

  /** @returns {boolean} whether the viewer is with the live programme, by whichever way */
  get isLive() {
    return this.#choice.want === 'live';
  }

  /** @returns {boolean} whether one can go back at all */
  get canRewind() {
    return this.#choice.hls !== 'missing';
  }

  /** @returns {boolean} whether the server lets this viewer in by no way */
  get isClosed() {
    return this.#choice.closed;
  }

  /** @returns {boolean} whether the picture that is shown stands still, for want of the next */
  get isLost() {
    if (this.shown === null || this.paused || document.visibilityState !== 'visible') return false;
    return performance.now() - Math.max(this.#shownAt, this.player.lastPicture) > LOST;
  }

  /** @returns {boolean} whether a wanted moment is still being looked for */
  get isSeeking() {
    return this.#choice.want === 'behind' && (this.shown !== 'hls' || this.replay.video.seeking || this.replay.video.readyState < 3);
  }

  /** @returns {number} the date of what is seen, epoch ms by the server's clock */
  get date() {
    if (this.shown === 'hls' || !this.isLive) return this.deck.date ?? this.#target ?? this.now();
    return this.now() - RTC_LATENCY;
  }

  /** @returns {boolean} whether there are pictures to see */
  get hasPicture() {
    return this.shown !== null;
  }

  /** Somebody is at the controls, and may go back. */
  expectRewind() {
    if (this.canRewind) this.deck.prepare();
  }

  /** Plays from this date; near the live edge that means live. @param {number} date epoch ms */
  seek(date) {
    if (!this.canRewind) return;
    if (date > this.now() - AT_EDGE) return this.goLive();
    this.#target = date;
    this.#shownAt = performance.now();
    this.#act({ type: 'want', want: 'behind', at: performance.now() });
    this.deck.rate = this.rate;
    this.deck.seek(date);
    this.#tell();
  }

  goLive() {
    this.speed(1);
    this.pause(false);
    this.#act({ type: 'want', want: 'live', at: performance.now() });
    this.#tell();
  }

  /** A live programme that is paused goes on from where it was, behind. @param {boolean} paused */
  pause(paused) {
    if (paused === this.paused || (paused && !this.canRewind)) return;
    this.paused = paused;
    if (!paused) this.#shownAt = performance.now();
    if (paused && this.isLive) {
      this.#target = this.date;
      this.#act({ type: 'want', want: 'behind', at: performance.now() });
      if (this.shown === 'hls') this.deck.seek(this.#target);
    }
    this.live.hold(paused);
    this.replay.hold(paused);
    this.#tell();
  }

  /** How fast the recording plays. @param {number} rate */
  speed(rate) {
    this.rate = rate;
    this.deck.rate = rate;
    this.#tell();
  }

  /** @returns {string[]} the sizes that one can choose from ("720p"), largest first; none where there is no choice */
  get qualities() {
    return this.shown === 'rtc' ? this.#renditions : this.deck.heights.map((height) => `${height}p`);
  }

  /** The chosen size, by whichever way the programme comes; `auto`: what the line carries. */
  get quality() {
    return this.qualities.includes(this.#quality) ? this.#quality : 'auto';
  }

  set quality(value) {
    // A list that was open while the way changed may offer what is no more.
    if (value !== 'auto' && !this.qualities.includes(value)) return;
    this.#quality = value;
    // Refused by a server that has just lost the connection: the next one is told.
    this.watcher.setRendition(value).catch(() => undefined);
    this.deck.height = value === 'auto' ? null : Number.parseInt(value, 10);
    this.#tell();
  }

  async #learnRenditions() {
    const told = await this.watcher.setRendition(this.watcher.rendition).catch(() => null);
    this.#renditions = told?.renditions ?? [];
  }

  /** @param {boolean} on */
  sound(on) {
    for (const player of [this.live, this.replay]) {
      if (on && player.video.volume === 0) player.video.volume = 1; // turned down before: unmuted it would be silent
      player.sound(on);
    }
  }

  /** @param {number} volume 0 to 1 */
  volume(volume) {
    this.live.video.volume = volume;
    this.replay.video.volume = volume;
    this.sound(volume > 0);
  }

  /** Numbers for `report` and for tests. @returns {Record<string, number | string>} */
  stats() {
    const of = this.player.stats();
    const line = this.shown === 'hls' ? { latency_ms: this.deck.latency ?? 0, height: this.replay.video.videoHeight } : this.watcher.summary;
    return { ...line, ...of, starts: this.watcher.starts, way: this.shown ?? 'none', behind_s: Math.max(0, Math.round((this.now() - this.date) / 1000)) };
  }

  /** @param {MediaStream} stream */
  #stream(stream) {
    this.#streamAt = performance.now();
    this.live.attach(stream);
  }

  #tick() {
    const now = performance.now();
    const { lastPicture } = this.live;
    // What is not looked at is shown no pictures: there the first one that is decoded counts.
    const seen = document.visibilityState === 'visible' && this.shown !== 'hls';
    const moving = seen ? lastPicture >= this.#streamAt && now - lastPicture < FRESH : this.live.video.readyState >= 2;
    const fresh = this.#streamAt > 0 && this.watcher.status.state === 'connected' && moving;
    this.#act(fresh ? { type: 'picture', of: 'rtc', at: now } : { type: 'tick', at: now });
    if (!this.isLive && this.shown === 'hls' && !this.paused && this.deck.date !== null && this.deck.date > this.now() - AT_EDGE) this.goLive();
    this.#tell();
  }

  /** @param {import('./transport.js').Event} event */
  #act(event) {
    if (this.#stopped) return;
    this.#choice = choose(this.#choice, event);
    this.#follow();
  }

  /** Does what the plan says; each step is idempotent. */
  #follow() {
    const now = performance.now();
    const { rtc, hls, edge, show } = plan(this.#choice, now);
    if (rtc && this.watcher.status.state === 'idle') this.watcher.start();
    if (!rtc && this.watcher.status.state !== 'idle' && this.watcher.status.state !== 'refused') this.#endRtc();
    if (hls && !this.deck.running) this.#startDeck();
    if (!hls && this.deck.running) this.#endDeck();
    if (edge && this.deck.running && this.#target !== null) {
      this.#target = null;
      this.deck.seek(null);
    }
    this.#show(show);
  }

  #startDeck() {
    if (this.isLive) this.#target = null;
    this.replay.tuning();
    void this.deck.start(this.#target, this.oldest);
    this.replay.fill(true);
    this.#act({ type: 'hls', state: 'started', at: performance.now() });
  }

  #endDeck() {
    this.deck.stop();
    this.replay.fill(false);
  }

  #endRtc() {
    this.#streamAt = 0;
    this.watcher.stop();
  }

  /** @param {'rtc' | 'hls' | null} way */
  #show(way) {
    if (way === this.shown || way === null) return;
    this.shown = way;
    this.#shownAt = performance.now();
    this.live.rest(way === 'hls');
    this.replay.rest(way !== 'hls');
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event('change'));
  }
}
