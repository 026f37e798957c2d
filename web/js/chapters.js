/** What was on air so far (GET /api/chapters), asked for again whenever the show has moved on. */

/** @typedef {import('./timeline.js').Told & {thumbs?: {url: string, every: number} | null}} Chapters @typedef {import('./types.js').Show} Show */

/** Even when nothing seems to happen: what is kept grows older, ms. */
const AGAIN = 30_000;

/** A thousand pages do not ask in the same instant, ms. */
const SPREAD = 800;

export class ChapterList {
  told = /** @type {Chapters | null} */ (null);
  #sign = '';
  #timer = 0;

  /** @param {string | null} pass @param {() => void} onChange */
  constructor(pass, onChange) {
    this.pass = pass;
    this.onChange = onChange;
  }

  /** @param {Show} show */
  update(show) {
    const sign = JSON.stringify([show.phase, show.air.talk, show.air.since, show.talks.map((talk) => [talk.id, talk.title, talk.ended])]);
    if (sign === this.#sign) return;
    this.#ask(this.#sign === '' ? 0 : Math.random() * SPREAD);
    this.#sign = sign;
  }

  /** @param {number} wait ms */
  #ask(wait) {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#fetch(), wait);
  }

  async #fetch() {
    this.#ask(AGAIN);
    const headers = /** @type {Record<string, string>} */ (this.pass ? { Authorization: `Bearer ${this.pass}` } : {});
    try {
      const answer = await fetch('/api/chapters', { headers });
      if (!answer.ok) return;
      this.told = await answer.json();
      this.onChange();
    } catch {
      // The server is away: what is known stays, and it is asked again.
    }
  }
}
