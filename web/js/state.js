/** (P) The page's state and the reducers that change it: `(state, action) -> state`. No I/O, no clock, no DOM. */

/**
 * @typedef {import('./types.js').Show} Show
 * @typedef {import('./types.js').Health} Health
 * @typedef {import('./types.js').Command} Command
 * @typedef {import('./types.js').Fault} Fault
 * @typedef {import('./types.js').You} You
 * @typedef {{id: string, command: Command, fault: Fault, at: number, revision: number | null}} Refusal `revision`: of the show, when it was refused
 * @typedef {{command: Command, at: number}} Pending
 * @typedef {{
 *   link: import('./control.js').Link,
 *   retryAt: number | null,
 *   you: You | null,
 *   show: Show | null,
 *   health: Health | null,
 *   server: {version: string, started: number} | null,
 *   pending: Record<string, Pending>,
 *   refusals: Refusal[],
 *   bye: {code: string, message: string} | null,
 * }} State
 *
 * @typedef {{type: 'link', link: import('./control.js').Link, retryAt: number | null}
 *   | {type: 'sent', command: Command, at: number}
 *   | {type: 'dismiss', id: string}
 *   | {type: 'server', message: any, at: number}} Action
 */

/** Refusals kept on the page; the oldest go first. */
export const REFUSALS_KEPT = 3;

/** A command that was on its way when the line broke is sent again only while it is this fresh, in ms: as long
 * as a restart of the server and the way back to it take. */
export const RESEND_WITHIN = 5000;

/** @returns {State} */
export function initial() {
  return {
    link: 'connecting',
    retryAt: null,
    you: null,
    show: null,
    health: null,
    server: null,
    pending: {},
    refusals: [],
    bye: null,
  };
}

/** @param {State} state @param {Action} action @returns {State} */
export function reduce(state, action) {
  switch (action.type) {
    case 'link':
      return { ...state, link: action.link, retryAt: action.retryAt };
    case 'sent':
      return { ...state, pending: { ...state.pending, [String(action.command.id)]: { command: action.command, at: action.at } } };
    case 'dismiss':
      return { ...state, refusals: state.refusals.filter((refusal) => refusal.id !== action.id) };
    case 'server':
      return receive(state, action.message, action.at);
    default:
      return state;
  }
}

/** @param {State} state @param {any} message @param {number} at @returns {State} */
function receive(state, message, at) {
  switch (message.type) {
    case 'welcome':
      return { ...state, you: message.you, server: message.server, show: sameServer(state, message) ? state.show : null, bye: null };
    case 'state':
      return isOlder(state.show, message) ? state : { ...state, show: message };
    case 'health':
      return { ...state, health: message };
    case 'done':
      return { ...state, pending: without(state.pending, message.id) };
    case 'error':
      return refuse(state, message, at);
    case 'bye':
      return { ...state, bye: { code: message.code, message: message.message } };
    default:
      return state; // a newer server may say more than we know
  }
}

/** @param {State} state @param {any} welcome */
function sameServer(state, welcome) {
  return state.server !== null && state.server.started === welcome.server?.started;
}

/** @param {Show | null} known @param {Show} message */
function isOlder(known, message) {
  return known !== null && message.revision < known.revision;
}

/** @param {State} state @param {any} message @param {number} at @returns {State} */
function refuse(state, message, at) {
  const id = String(message.id ?? `unasked-${at}`);
  const command = state.pending[id]?.command ?? { type: 'unknown', id };
  const { url: _url, key: _key, ...shown } = command; // a page keeps no secret longer than it must
  const refusal = { id, command: /** @type {Command} */ (shown), fault: message.error, at, revision: state.show?.revision ?? null };
  const others = state.refusals.filter((known) => known.id !== id && known.command.type !== command.type);
  return {
    ...state,
    pending: without(state.pending, id),
    refusals: [...others, refusal].slice(-REFUSALS_KEPT),
  };
}

/** @template T @param {Record<string, T>} record @param {string} key @returns {Record<string, T>} */
function without(record, key) {
  const { [key]: _gone, ...rest } = record;
  return rest;
}

/** What became of a command. @param {State} state @param {string} id @returns {Refusal | 'waiting' | 'done'} */
export function answerTo(state, id) {
  if (id in state.pending) return 'waiting';
  return state.refusals.find((refusal) => refusal.id === id) ?? 'done';
}

/**
 * After a new `welcome`: which commands to say again, and which are too old to be wished for still.
 * The same id acts once, so saying it again is safe.
 *
 * @param {State} state @param {number} now
 * @returns {{again: Command[], lost: Command[]}}
 */
export function unanswered(state, now) {
  const all = Object.values(state.pending);
  return {
    again: all.filter((p) => now - p.at <= RESEND_WITHIN).map((p) => p.command),
    lost: all.filter((p) => now - p.at > RESEND_WITHIN).map((p) => p.command),
  };
}
