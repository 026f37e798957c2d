/** One WHEP connection for each feed the producer looks at, shared by the multiview and the preview. */

import { Watcher } from './media.js';

export class FeedPool {
  #watchers = /** @type {Map<string, Watcher>} */ (new Map());
  #streams = /** @type {Map<string, MediaStream>} */ (new Map());

  /** @param {string | null} pass @param {() => void} onChange called when a stream begins */
  constructor(pass, onChange) {
    this.pass = pass;
    this.onChange = onChange;
  }

  /** Watches exactly these feeds. @param {string[]} ids */
  want(ids) {
    for (const [id, watcher] of this.#watchers) {
      if (ids.includes(id)) continue;
      watcher.stop();
      this.#watchers.delete(id);
      this.#streams.delete(id);
    }
    for (const id of ids) if (!this.#watchers.has(id)) this.#watch(id);
  }

  /** @param {string} id */
  #watch(id) {
    const watcher = new Watcher({
      path: `/whep/feeds/${encodeURIComponent(id)}`,
      pass: this.pass,
      freezeAfter: 6000,
      bare: true,
      onStream: (stream) => {
        this.#streams.set(id, stream);
        this.onChange();
      },
    });
    this.#watchers.set(id, watcher);
    watcher.start();
  }

  /** @param {string} id @returns {MediaStream | null} */
  stream(id) {
    return this.#streams.get(id) ?? null;
  }

  /** How loud a feed is, as this browser hears it, dBFS; null while it does not. @param {string} id @returns {number | null} */
  level(id) {
    return this.#watchers.get(id)?.loudness() ?? null;
  }

  /** The server is a new process. @param {number} age of it, ms */
  renew(age) {
    for (const watcher of this.#watchers.values()) watcher.renew(age);
  }

  /** @returns {{feeds: number, feeds_up: number}} */
  stats() {
    const all = [...this.#watchers.values()];
    return { feeds: all.length, feeds_up: all.filter((watcher) => watcher.status.state === 'connected').length };
  }
}
