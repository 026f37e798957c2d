/**
 * One WHIP or WHEP session after the other: the only file that opens an RTCPeerConnection (docs/protocol.md,
 * section 3). js/media.js says what is carried.
 *
 * It comes back by itself, with backoff, until stopped or refused for good. No trickle ICE: the server is
 * ICE-lite, so the offer is posted at once.
 */

import { backoff } from './backoff.js';
import { chooseRendition, describe, exchange, forget, known, WireError } from './offer.js';
import { Vigil } from './vigil.js';

const DISCONNECTED_FOR = 2500; // ms of ICE "disconnected" before starting anew
const CONNECT_TIMEOUT = 10000; // ms from the answer to media
const QUIET_FOR = 600; // ms without media after which the server is asked whether it still knows the session
const QUIET_EVERY = 200; // ms between looks
const ASK_AGAIN = 1000; // ms between questions

/**
 * @typedef {'idle' | 'connecting' | 'connected' | 'waiting' | 'refused'} PeeringState
 * @typedef {{state: PeeringState, code: string | null, message: string | null, retryAt: number | null}} Status
 * @typedef {{path: string, pass: string | null, onStatus?: (status: Status) => void, patient?: boolean,
 *   fallback?: string, most?: number}} PeeringOptions
 *   `patient`: try again, slowly, even after a refusal that looks final (a screen that nobody attends);
 *   `fallback`: the path to take when the server does not know `path`; `most`: the longest wait before trying again, ms
 */

/** What watching and publishing have in common: one RTCPeerConnection at a time, renewed until stopped. */
export class Peering {
  pc = /** @type {RTCPeerConnection | null} */ (null);
  status = /** @type {Status} */ ({ state: 'idle', code: null, message: null, retryAt: null });
  /** @type {import('./stats.js').Summary} */
  summary = {};
  starts = 0;
  #mark = /** @type {import('./stats.js').Mark | null} */ (null);
  #attempts = 0;
  #location = /** @type {string | null} */ (null);
  #abort = new AbortController();
  #retry = 0;
  #watchdog = 0;
  #listening = 0;
  #asked = 0;
  #since = 0;
  #running = false;
  #answered = 0;
  #vigil = new Vigil();
  /** The rendition asked for, in this connection and those after it. */
  rendition = 'auto';

  /** @param {PeeringOptions} options */
  constructor(options) {
    this.options = options;
  }

  start() {
    if (this.#running) return;
    this.#running = true;
    addEventListener('pagehide', this.#leave);
    addEventListener('pageshow', this.#return);
    addEventListener('online', this.#hurry);
    network()?.addEventListener('change', this.#moved);
    this.#watchdog = window.setInterval(() => void this.#look(), 1000);
    this.#listening = window.setInterval(() => void this.#doubt(), QUIET_EVERY);
    void this.#attempt();
  }

  stop() {
    this.#running = false;
    removeEventListener('pagehide', this.#leave);
    removeEventListener('pageshow', this.#return);
    removeEventListener('online', this.#hurry);
    network()?.removeEventListener('change', this.#moved);
    clearInterval(this.#watchdog);
    clearInterval(this.#listening);
    this.#end();
    this.release();
    this.#say('idle');
  }

  /**
   * One rendition of the programme ("720p"), or "auto" for what the line carries; kept over new connections.
   *
   * @param {string} id
   * @returns {Promise<{rendition: string, sent: string | null, renditions: string[]} | null>} null while not connected
   */
  async setRendition(id) {
    this.rendition = id;
    return this.#location ? chooseRendition(this.#location, this.options.pass, id) : null;
  }

  /** Starts a new connection at once, for example because the picture froze. @param {string} why */
  restart(why) {
    if (!this.#running || this.status.state === 'connecting') return;
    console.info(`${this.options.path}: connecting again (${why})`);
    void this.#attempt();
  }

  /**
   * The server is a new process: starts anew, unless this connection is with the new one already.
   *
   * @param {number} age of that process, ms
   */
  renew(age) {
    const joined = this.status.state === 'connected' && performance.now() - this.#answered < age;
    if (!joined) this.restart('a new server');
  }

  #hurry = () => {
    if (this.status.state === 'waiting') void this.#attempt();
  };

  #moved = () => this.#vigil.moved(performance.now());

  #leave = () => {
    this.#end();
    this.release();
  };

  /** @param {PageTransitionEvent} event */
  #return = (event) => {
    if (event.persisted && this.#running) void this.#attempt();
  };

  /** Adds transceivers and handlers. @param {RTCPeerConnection} _pc */
  prepare(_pc) {}

  /** After the answer is in place. @param {RTCPeerConnection} _pc */
  async settled(_pc) {}

  /** A connection that came to its end. @param {RTCPeerConnection} pc */
  retire(pc) {
    pc.close();
  }

  /** Whatever `retire` kept is let go. */
  release() {}

  /** @param {any[]} _entries @param {import('./stats.js').Mark | null} _before @returns {{summary: import('./stats.js').Summary, mark: import('./stats.js').Mark}} */
  summarise(_entries, _before) {
    throw new Error('a subclass summarises');
  }

  /** Whether the media stands still although the connection looks well. @param {number} _connected ms since then */
  stuck(_connected) {
    return false;
  }

  /** For how long no media came that should have, ms. */
  quiet() {
    return 0;
  }

  /** Nothing comes: the process behind this session may have died, which no event tells for many seconds. */
  async #doubt() {
    const { pc } = this;
    if (!this.#location || this.status.state !== 'connected' || this.quiet() < QUIET_FOR) return;
    if (performance.now() - this.#asked < ASK_AGAIN) return;
    this.#asked = performance.now();
    const there = await known(this.#location, this.options.pass);
    if (!there && this.pc === pc) this.restart('the session has ended');
  }

  async #attempt() {
    if (!this.#running) return;
    this.#end();
    const abort = (this.#abort = new AbortController());
    this.#say('connecting', this.status.code ? this.status : null);
    if (abort.signal.aborted) return; // who was told has stopped it, or begun it anew
    this.starts += 1;
    const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    this.pc = pc;
    this.#since = performance.now();
    try {
      this.prepare(pc);
      pc.onconnectionstatechange = () => this.#changed(pc);
      await describe(pc);
      const { path, pass } = this.options;
      const { answer, location } = await exchange(path, pass, pc.localDescription?.sdp ?? '', abort.signal);
      if (this.pc !== pc) return forget(location, pass);
      this.#location = location;
      this.#answered = performance.now();
      await pc.setRemoteDescription({ type: 'answer', sdp: answer });
      this.#mind(pc);
      if (this.rendition !== 'auto') void this.setRendition(this.rendition).catch(console.warn);
      await this.settled(pc);
    } catch (error) {
      if (this.pc === pc) this.#failed(error);
    }
  }

  /** The server's goodbye closes the transport, while the connection still calls itself connected. @param {RTCPeerConnection} pc */
  #mind(pc) {
    const transport = pc.getTransceivers().find(({ sender }) => sender.transport)?.sender.transport;
    transport?.addEventListener('statechange', () => {
      if (pc !== this.pc || (transport.state !== 'closed' && transport.state !== 'failed')) return;
      this.#failed(new WireError('connection_lost', 'The server ended the connection.', 0));
    });
  }

  /** @param {RTCPeerConnection} pc */
  #changed(pc) {
    if (pc !== this.pc) return;
    if (pc.connectionState === 'connected') {
      this.#since = performance.now();
      this.#vigil.begin(this.#since);
      this.#say('connected');
    } else if (pc.connectionState === 'failed' || pc.connectionState === 'closed') {
      this.#failed(new WireError('connection_lost', 'The connection was lost.', 0));
    } else if (pc.connectionState === 'disconnected') {
      setTimeout(() => {
        if (pc === this.pc && pc.connectionState === 'disconnected') this.restart('disconnected');
      }, DISCONNECTED_FOR);
    }
  }

  /** Once a second: statistics, and signs of death that no event tells. */
  async #look() {
    const pc = this.pc;
    if (!pc) return;
    const elapsed = performance.now() - this.#since;
    if (pc.connectionState !== 'connected') {
      if (this.#location && elapsed > CONNECT_TIMEOUT) this.#failed(new WireError('no_media', 'No media path to the server: UDP may be blocked.', 0));
      return;
    }
    const entries = [...(await pc.getStats()).values()];
    if (pc !== this.pc) return;
    const { summary, mark } = this.summarise(entries, this.#mark);
    this.#vigil.look(entries, performance.now());
    this.summary = summary;
    this.#mark = mark;
    if (entries.some((e) => e.type === 'transport' && (e.dtlsState === 'closed' || e.dtlsState === 'failed'))) {
      this.#failed(new WireError('connection_lost', 'The server ended the connection.', 0));
    } else if (this.stuck(elapsed)) {
      this.restart('the media stand still');
    } else if (this.#vigil.dead(performance.now())) {
      this.restart('the server is not heard');
    } else if (elapsed > 5000) {
      this.#attempts = 0;
    }
  }

  /** @param {unknown} error */
  #failed(error) {
    const fault = error instanceof WireError ? error : new WireError('failed', String(error), 0);
    this.#end();
    const { fallback } = this.options;
    if (fault.status === 404 && fallback) {
      this.options = { ...this.options, path: fallback, fallback: undefined };
      return void this.#attempt();
    }
    if (fault.final && !this.options.patient) return this.#say('refused', fault);
    const wait = fault.final ? backoff(6, { least: 500, most: 30000 }) : backoff(this.#attempts++, { most: this.options.most });
    this.#say('waiting', fault, Date.now() + wait);
    if (!this.#running || this.status.state !== 'waiting') return; // as above
    this.#retry = window.setTimeout(() => void this.#attempt(), wait);
  }

  #end() {
    clearTimeout(this.#retry);
    this.#abort.abort();
    const pc = this.pc;
    this.pc = null;
    this.#mark = null;
    this.summary = {};
    if (pc) {
      pc.onconnectionstatechange = null;
      pc.ontrack = null;
      this.retire(pc);
    }
    if (this.#location) forget(this.#location, this.options.pass);
    this.#location = null;
  }

  /** @param {PeeringState} state @param {{code: string | null, message: string | null} | null} [fault] @param {number | null} [retryAt] */
  #say(state, fault = null, retryAt = null) {
    this.status = { state, code: fault?.code ?? null, message: fault?.message ?? null, retryAt };
    this.options.onStatus?.(this.status);
  }
}

/** What tells of changes of network, where the browser has it. @returns {EventTarget | undefined} */
function network() {
  return /** @type {{connection?: EventTarget}} */ (navigator).connection;
}
