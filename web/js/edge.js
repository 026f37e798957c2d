/** Keeps a video that hls.js plays at the live edge: by its rate (pace.js), and from far away by a jump. */

import { begin, look, stalled } from './pace.js';

/** Farther behind the edge than this one jumps, s. */
const FAR = 4;

const TICK = 100; // ms

export class Edge {
  #pace = begin();
  #timer = 0;
  #stalled = () => {
    if (!this.video.seeking) this.#pace = stalled(this.#pace, performance.now());
  };

  /** @param {HTMLVideoElement} video @param {{latency: number, liveSyncPosition: number | null}} hls of hls.js */
  constructor(video, hls) {
    this.video = video;
    this.hls = hls;
  }

  /** Idempotent. */
  follow() {
    if (this.#timer) return;
    this.#pace = begin();
    this.video.addEventListener('waiting', this.#stalled);
    this.#timer = window.setInterval(() => this.#keepUp(), TICK);
  }

  /** Leaves the video where it is, and as fast as it is: whoever takes over sets the rate. Idempotent. */
  leave() {
    clearInterval(this.#timer);
    this.#timer = 0;
    this.video.removeEventListener('waiting', this.#stalled);
  }

  #keepUp() {
    const { video, hls } = this;
    if (video.paused || video.seeking || video.readyState < 3) return;
    if (hls.latency > FAR && hls.liveSyncPosition !== null) {
      video.currentTime = hls.liveSyncPosition;
      return;
    }
    this.#pace = look(this.#pace, ahead(video), performance.now());
    if (video.playbackRate !== this.#pace.rate) video.playbackRate = this.#pace.rate;
  }
}

/** @param {HTMLVideoElement} video @returns {number} s that are buffered from here on */
function ahead({ buffered, currentTime }) {
  for (let n = 0; n < buffered.length; n += 1) {
    if (buffered.start(n) <= currentTime && currentTime < buffered.end(n)) return buffered.end(n) - currentTime;
  }
  return 0;
}
