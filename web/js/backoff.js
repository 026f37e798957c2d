/** (P) How long to wait before trying again, and which clock the server keeps. No I/O. */

/**
 * The wait before attempt `attempt` (0 is the first retry): doubles up to `most`, and half of it is
 * chance, so that a hall full of screens does not come back in the same instant.
 *
 * @param {number} attempt
 * @param {{least?: number, most?: number, random?: () => number}} [options] milliseconds
 * @returns {number} milliseconds
 */
export function backoff(attempt, { least = 400, most = 8000, random = Math.random } = {}) {
  const full = Math.min(most, least * 2 ** Math.min(attempt, 16));
  return Math.round(full / 2 + (full / 2) * random());
}

/** Samples kept to find the one that travelled fastest. */
const KEPT = 8;

/** What two clocks may drift apart while samples are kept, with room to spare, ms. */
const SLACK = 250;

/** The server's clock seen from here: the offset of the quickest of the last few round trips. */
export class ServerClock {
  /** @type {{rtt: number, offset: number}[]} */
  #samples = [];

  /**
   * @param {number} sent when the ping left, by our clock, epoch ms
   * @param {number} server the server's clock in the answer, epoch ms
   * @param {number} received when the answer came, by our clock, epoch ms
   */
  sample(sent, server, received) {
    const rtt = Math.max(0, received - sent);
    const offset = server - (sent + rtt / 2);
    // More apart than both round trips explain: one of the clocks was set, and what was measured before is void.
    if (this.#best && Math.abs(offset - this.#best.offset) > (rtt + this.#best.rtt) / 2 + SLACK) this.reset();
    this.#samples.push({ rtt, offset });
    if (this.#samples.length > KEPT) this.#samples.shift();
  }

  /** Forget what was measured, because the server may be another one now. */
  reset() {
    this.#samples = [];
  }

  /** Milliseconds to add to our clock to get the server's. */
  get offset() {
    return this.#best?.offset ?? 0;
  }

  /** The round trip of the best sample in milliseconds, or null before the first. */
  get rtt() {
    return this.#best?.rtt ?? null;
  }

  get #best() {
    return this.#samples.reduce(
      (best, sample) => (best === null || sample.rtt < best.rtt ? sample : best),
      /** @type {{rtt: number, offset: number} | null} */ (null),
    );
  }
}
