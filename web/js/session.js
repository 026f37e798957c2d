/** A page's connection to the show: the state, the commands, and the duty to come back after a break. */

import { initial, reduce, unanswered } from './state.js';
import { Control } from './control.js';

/** @typedef {import('./state.js').State} State @typedef {import('./state.js').Action} Action */

/** Reports go out at most this often, ms; docs/protocol.md asks for two seconds. */
const REPORT_EVERY = 2500;

/** The pass rides in the fragment, and stays there so that a reload works. @returns {string | null} */
export function passFromLink() {
  return new URLSearchParams(location.hash.slice(1)).get('pass');
}

export class Session {
  state = initial();
  #listeners = /** @type {((state: State, before: State) => void)[]} */ ([]);
  #newServer = /** @type {((age: number) => void)[]} */ ([]);
  #control;
  #count = 0;
  #salt = [...crypto.getRandomValues(new Uint8Array(6))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  /** @type {() => Record<string, number | string>} */
  #stats = () => ({});

  /**
   * @param {string} page
   * @param {{most?: number, seat?: () => boolean}} [options] `most`: the longest wait before connecting again, ms;
   *   `seat`: whether this page has, or takes, its speaker's one seat
   */
  constructor(page, options = {}) {
    this.page = page;
    this.pass = passFromLink();
    this.#control = new Control({
      pass: this.pass,
      client: () => ({ page, ...(options.seat ? { seat: options.seat() } : {}) }),
      most: options.most,
      onLink: (link, retryAt) => this.#act({ type: 'link', link, retryAt }),
      onMessage: (message) => this.#receive(message),
    });
    // A link pasted into an open page changes the fragment only; the page must begin anew with the new pass.
    addEventListener('hashchange', () => {
      if (passFromLink() !== this.pass) location.reload();
    });
  }

  start() {
    this.#control.start();
    setInterval(() => this.#report(), REPORT_EVERY);
    window.pavilion = { state: () => this.state, stats: () => this.#stats() };
  }

  /** The server's clock, epoch ms. */
  now() {
    return this.#control.now();
  }

  /** @param {(state: State, before: State) => void} listener called on every change */
  onChange(listener) {
    this.#listeners.push(listener);
  }

  /** @param {(age: number) => void} listener called when the server turns out to be a new process, `age` ms old: media must be asked for anew */
  onNewServer(listener) {
    this.#newServer.push(listener);
  }

  /** @param {() => Record<string, number | string>} stats what to report */
  reportWith(stats) {
    this.#stats = stats;
  }

  /** Sends a command and remembers it until it is answered. @param {{type: string, [field: string]: unknown}} command @returns {string} its id */
  command(command) {
    const id = `${this.page}-${this.#salt}-${++this.#count}`;
    const whole = { ...command, id };
    this.#act({ type: 'sent', command: whole, at: Date.now() });
    this.#control.send(whole);
    return id;
  }

  /** This page takes its speaker's one seat; a lost connection takes it in its next `hello`. */
  sit() {
    this.#control.send({ type: 'sit' });
  }

  /** @param {string} id of a refusal */
  dismiss(id) {
    this.#act({ type: 'dismiss', id });
  }

  /** @param {any} message */
  #receive(message) {
    const known = this.state.server?.started;
    this.#act({ type: 'server', message, at: Date.now() });
    if (message.type !== 'welcome') return;
    if (known !== undefined && known !== message.server?.started) this.#newServer.forEach((tell) => tell(message.now - message.server.started));
    const { again, lost } = unanswered(this.state, Date.now());
    again.forEach((command) => this.#control.send(command));
    for (const command of lost) {
      const error = { code: 'connection_lost', message: 'The connection broke before the server answered. Look at what is on air, then try again.' };
      this.#act({ type: 'server', message: { type: 'error', id: command.id, error }, at: Date.now() });
    }
  }

  /** @param {Action} action */
  #act(action) {
    const before = this.state;
    this.state = reduce(before, action);
    if (this.state !== before) this.#listeners.forEach((listener) => listener(this.state, before));
  }

  #report() {
    const entries = Object.entries(this.#stats()).slice(0, 32);
    if (this.state.link === 'open' && entries.length > 0) this.#control.send({ type: 'report', stats: Object.fromEntries(entries) });
  }
}
