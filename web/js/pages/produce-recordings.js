/** The desk's list of recordings: what is over can be fetched; a file is made when it is first asked for. */

import { announce, byId, el, keyed, setText, show } from '../dom.js';
import { askFeed, askRecording, buttonWords, feedName, length, listRecordings, size } from '../recordings.js';
import { clock } from '../time.js';

/** @typedef {import('../recordings.js').Recording} Recording @typedef {import('../recordings.js').KeptFeed} KeptFeed */

/** Between two looks at the list, ms: while a file is made, and else. */
const SOON = 1500;
const SELDOM = 30_000;

export class Recordings {
  #shelf = /** @type {import('../recordings.js').Shelf} */ ({ recordings: [], feeds: [] });
  #wanted = new Set();
  #timer = 0;

  /** @param {string | null} pass @param {() => import('../types.js').Show | null} event */
  constructor(pass, event) {
    this.pass = pass;
    this.event = event;
  }

  /** Looks now, and from time to time. */
  async look() {
    clearTimeout(this.#timer);
    try {
      this.#shelf = await listRecordings(this.pass);
      setText(byId('kept-trouble'), '');
    } catch (error) {
      setText(byId('kept-trouble'), this.#shelf.recordings.length || this.#shelf.feeds.length ? String(/** @type {Error} */ (error).message) : '');
    }
    for (const recording of this.#shelf.recordings) if (recording.state === 'ready' && this.#wanted.delete(recording.id)) this.#fetch(recording);
    this.#draw();
    const making = this.#shelf.recordings.some(({ state }) => state === 'making');
    this.#timer = window.setTimeout(() => this.look(), making ? SOON : SELDOM);
  }

  /** @param {Recording} recording */
  async #fetch(recording) {
    try {
      const answer = await askRecording(recording.id, this.pass);
      if (answer.url) return save(answer.url);
      this.#wanted.add(recording.id);
    } catch (error) {
      setText(byId('kept-trouble'), String(/** @type {Error} */ (error).message));
      return undefined;
    }
    return this.look();
  }

  /** @param {string} file */
  async #fetchFeed(file) {
    try {
      const answer = await askFeed(file, this.pass);
      if (answer.url) save(answer.url);
    } catch (error) {
      setText(byId('kept-trouble'), String(/** @type {Error} */ (error).message));
    }
  }

  #draw() {
    const { recordings, feeds } = this.#shelf;
    show(byId('kept-none'), recordings.length === 0);
    keyed(byId('kept'), recordings, ({ id }) => id, () => this.#row(), (node, recording) => this.#update(node, recording));
    show(byId('kept-feeds-box'), feeds.length > 0);
    setText(byId('kept-feeds-count'), feeds.length === 1 ? '1 file' : `${feeds.length} files`);
    keyed(byId('kept-feeds'), feeds, ({ file }) => file, () => this.#row(), (node, feed) => this.#updateFeed(node, feed));
  }

  #row() {
    const button = el('button', { class: 'button' });
    return el('li', {}, el('span', { class: 'kept-title' }), el('span', { class: 'kept-facts number' }), button);
  }

  /** @param {HTMLElement} node @param {Recording} recording */
  #update(node, recording) {
    const [title, facts, button] = /** @type {HTMLElement[]} */ ([...node.children]);
    const who = recording.speakers.join(', ');
    setText(title, who ? `${who}: ${recording.title}` : `Everything: ${recording.title}`);
    const words = recording.state === 'lost' ? 'not recorded' : `${length(recording.seconds)}  ${size(recording.octets)}`;
    setText(facts, recording.state === 'failed' ? `${words}  could not be made` : words);
    const press = /** @type {HTMLButtonElement} */ (button);
    setText(press, buttonWords(recording.state));
    show(press, recording.state !== 'lost');
    press.disabled = recording.state === 'making';
    press.onclick = () => {
      announce(`${recording.title} is fetched`);
      this.#fetch(recording);
    };
  }

  /** @param {HTMLElement} node @param {KeptFeed} feed */
  #updateFeed(node, feed) {
    const [title, facts, button] = /** @type {HTMLElement[]} */ ([...node.children]);
    const people = this.event()?.people ?? [];
    setText(title, feedName(feed, (id) => people.find((person) => person.id === id)?.name ?? id));
    setText(facts, `to ${clock(feed.written)}  ${size(feed.octets)}`);
    setText(button, 'Download');
    button.onclick = () => this.#fetchFeed(feed.file);
  }
}

/** Lets the browser save what is there; the page stays. @param {string} url */
function save(url) {
  const link = el('a', { href: url, download: true });
  document.body.append(link);
  link.click();
  link.remove();
}
