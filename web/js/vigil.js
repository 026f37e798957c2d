/** (P) Whether the other side of a connection still lives, judged by what comes from it. No I/O, no clock. */

/** Without a sign of life for this long the connection is dead, ms. Browsers check the path about every 2.5 s. */
const SILENT_FOR = 6000;

/** After a change of network the old path gets this long to prove itself (a cable may have come beside the Wi-Fi), ms. */
const PROOF_WITHIN = 3000;

export class Vigil {
  #signs = -1;
  #heard = 0;
  #moved = -Infinity;

  /** A new connection. @param {number} now ms */
  begin(now) {
    this.#signs = -1;
    this.#heard = now;
    this.#moved = -Infinity;
  }

  /** The machine is on another network now. @param {number} now ms */
  moved(now) {
    this.#moved = now;
  }

  /** @param {Record<string, any>[]} entries of `getStats()` @param {number} now ms */
  look(entries, now) {
    const signs = signsOf(entries);
    if (signs === this.#signs) return;
    this.#signs = signs;
    this.#heard = now;
  }

  /** @param {number} now ms @returns {boolean} */
  dead(now) {
    const lately = now - this.#moved < 2 * PROOF_WITHIN;
    if (lately && now - this.#moved >= PROOF_WITHIN && this.#heard <= this.#moved + 200) return true;
    return now - this.#heard > SILENT_FOR;
  }
}

/** Everything that grows when the other side sends: media, its reports, its answers to checks of the path. @param {Record<string, any>[]} entries */
function signsOf(entries) {
  return entries.reduce((sum, entry) => {
    if (entry.type === 'transport') return sum + (entry.bytesReceived ?? 0);
    return entry.type === 'candidate-pair' ? sum + (entry.responsesReceived ?? 0) : sum;
  }, 0);
}
