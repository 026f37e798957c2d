/**
 * The control connection: the only file that opens a WebSocket (docs/protocol.md, section 4).
 *
 * It comes back by itself, with backoff, until stopped or refused for good.
 */

import { backoff, ServerClock } from './backoff.js';

const PING_EVERY = 5000; // ms
const SILENCE = 12000; // ms without any message: the connection is dead although nobody said so
const OPEN_TIMEOUT = 8000; // ms until the socket is open

/** @typedef {'connecting' | 'open' | 'away' | 'ended'} Link `ended` is final: taken over, or the pass refused */

/** Messages to the server and from it, and its clock. */
export class Control {
  #socket = /** @type {WebSocket | null} */ (null);
  #attempts = 0;
  #heard = 0;
  #stopped = false;
  #timers = new Set();
  #retry = 0;
  clock = new ServerClock();

  /**
   * @param {{pass: string | null, client: () => object, most?: number, onMessage: (message: any) => void,
   *   onLink: (link: Link, retryAt: number | null) => void}} options `client`: what `hello` says of this page;
   *   `most`: the longest wait before trying again, ms
   */
  constructor(options) {
    this.options = options;
  }

  start() {
    addEventListener('online', this.#now);
    addEventListener('pageshow', this.#now);
    this.#open();
  }

  stop() {
    this.#stopped = true;
    removeEventListener('online', this.#now);
    removeEventListener('pageshow', this.#now);
    clearTimeout(this.#retry);
    this.#drop();
  }

  /** The server's clock, epoch ms. */
  now() {
    return Date.now() + this.clock.offset;
  }

  /** @param {object} message @returns {boolean} whether it could be handed to an open socket */
  send(message) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** Tries again at once, if waiting. */
  #now = () => {
    if (this.#stopped || this.#socket) return;
    clearTimeout(this.#retry);
    this.#open();
  };

  #open() {
    this.options.onLink('connecting', null);
    const url = new URL('/ws', location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(url, 'pavilion.v1');
    this.#socket = socket;
    this.#heard = performance.now();
    this.clock.reset();
    socket.onopen = () => {
      const { pass, client } = this.options;
      this.send({ type: 'hello', ...(pass ? { pass } : {}), client: client() });
      this.#ping();
      this.#every(PING_EVERY, () => this.#ping());
    };
    socket.onmessage = (event) => this.#receive(socket, event.data);
    socket.onclose = () => this.#closed(socket);
    this.#every(1000, () => {
      if (performance.now() - this.#heard > SILENCE) this.#closed(socket);
    });
    this.#after(OPEN_TIMEOUT, () => {
      if (socket.readyState !== WebSocket.OPEN) this.#closed(socket);
    });
  }

  /** @param {WebSocket} socket @param {unknown} data */
  #receive(socket, data) {
    if (socket !== this.#socket || typeof data !== 'string') return;
    this.#heard = performance.now();
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      console.warn('not JSON from the server, ignored');
      return;
    }
    if (message.type === 'pong') return this.clock.sample(message.sent, message.now, Date.now());
    if (message.type === 'welcome') {
      this.#attempts = 0;
      if (this.clock.rtt === null) this.clock.sample(Date.now(), message.now, Date.now());
      this.options.onLink('open', null);
    }
    const final = message.type === 'bye' && isFinal(String(message.code));
    if (final) this.stop();
    this.options.onMessage(message);
    if (final) this.options.onLink('ended', null);
  }

  /** @param {WebSocket} socket */
  #closed(socket) {
    if (socket !== this.#socket) return;
    this.#drop();
    if (this.#stopped) return;
    const wait = backoff(this.#attempts++, { most: this.options.most });
    this.options.onLink('away', Date.now() + wait);
    this.#retry = window.setTimeout(this.#now, wait);
  }

  #drop() {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers.clear();
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #ping() {
    this.send({ type: 'ping', sent: Date.now() });
  }

  /** @param {number} ms @param {() => void} run */
  #every(ms, run) {
    this.#timers.add(window.setInterval(run, ms));
  }

  /** @param {number} ms @param {() => void} run */
  #after(ms, run) {
    this.#timers.add(window.setTimeout(run, ms));
  }
}

/** @param {string} code of a `bye` @returns {boolean} whether trying again cannot help */
function isFinal(code) {
  return code === 'taken_over' || code === 'removed' || code.startsWith('pass_');
}
