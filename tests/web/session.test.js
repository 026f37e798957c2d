/** web/js/session.js over lines that break: what was asked is asked again under its own id, or given up aloud. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { RESEND_WITHIN } from '../../web/js/state.js';
import { NOW } from './show.js';

/** Every socket that was opened, and what the page said over it. */
const sockets = [];
const timers = new Map();
let now = NOW;
let count = 0;

class Socket {
  static OPEN = 1;
  readyState = 0;
  said = [];
  constructor() {
    sockets.push(this);
  }
  send(text) {
    this.said.push(JSON.parse(text));
  }
  close() {
    this.readyState = 3;
  }
  /** The line is there, and the server greets. */
  greet(started = 1) {
    this.readyState = Socket.OPEN;
    this.onopen();
    this.hear({ type: 'welcome', you: { id: 'ping', name: 'Ping', role: 'producer' }, now, server: { version: '1', started } });
  }
  hear(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }
  /** The line breaks. */
  snap() {
    this.readyState = 3;
    this.onclose();
  }
  /** The commands that were said here: no greetings, no pings. */
  get commands() {
    return this.said.filter(({ type }) => type !== 'hello' && type !== 'ping');
  }
}

const timer = (repeat) => (run) => {
  timers.set(++count, { run, repeat });
  return count;
};
const clear = (id) => void timers.delete(id);

Object.assign(globalThis, {
  window: globalThis,
  location: { hash: '#pass=abc', href: 'http://server/produce' },
  WebSocket: Socket,
  addEventListener() {},
  removeEventListener() {},
  setTimeout: timer(false),
  setInterval: timer(true),
  clearTimeout: clear,
  clearInterval: clear,
});
Date.now = () => now;

const { Session } = await import('../../web/js/session.js');

/** A session that is greeted. */
function greeted() {
  const session = new Session('produce');
  session.start();
  sockets.at(-1).greet();
  return session;
}

/** The line breaks, and after `ms` there is another. */
function reconnect(ms, started = 1) {
  sockets.at(-1).snap();
  now += ms;
  for (const [id, { run, repeat }] of [...timers]) {
    if (repeat) continue;
    timers.delete(id);
    run();
  }
  sockets.at(-1).greet(started);
}

beforeEach(() => {
  sockets.length = 0;
  timers.clear();
});

test('a command without an answer is said again over the next line, word for word', () => {
  const session = greeted();
  const id = session.command({ type: 'take', talk: 'one', revision: 7 });
  reconnect(1000);
  assert.deepEqual(sockets[1].commands, [{ type: 'take', talk: 'one', revision: 7, id }]);
  assert.deepEqual(sockets[1].commands, sockets[0].commands);
  sockets[1].hear({ type: 'done', id });
  assert.deepEqual(session.state.pending, {});
  reconnect(10);
  assert.deepEqual(sockets[2].commands, []);
});

test('so it is when the server itself was restarted', () => {
  const session = greeted();
  const id = session.command({ type: 'cue', talk: 'one' });
  reconnect(2500, 2);
  assert.deepEqual(sockets[1].commands.map((command) => command.id), [id]);
  assert.equal(session.state.refusals.length, 0);
});

test('a command given while the line is down goes out once there is one', () => {
  const session = greeted();
  sockets[0].snap();
  const id = session.command({ type: 'slate' });
  assert.deepEqual(sockets[0].commands, []);
  reconnect(500);
  assert.deepEqual(sockets[1].commands.map((command) => command.id), [id]);
});

test('what was answered before the line broke is not said again', () => {
  const session = greeted();
  const done = session.command({ type: 'cue', talk: 'one' });
  const refused = session.command({ type: 'take', talk: 'two' });
  sockets[0].hear({ type: 'done', id: done });
  sockets[0].hear({ type: 'error', id: refused, error: { code: 'not_ready', message: 'Not ready.' } });
  reconnect(100);
  assert.deepEqual(sockets[1].commands, []);
});

test('what is too old to be wished for is given up, and the page says so', () => {
  const session = greeted();
  const id = session.command({ type: 'take', talk: 'one' });
  reconnect(RESEND_WITHIN + 1);
  assert.deepEqual(sockets[1].commands, []);
  assert.deepEqual(session.state.pending, {});
  assert.equal(session.state.refusals[0].id, id);
  assert.equal(session.state.refusals[0].fault.code, 'connection_lost');
});

test('several commands are said again in their order, each under its own id', () => {
  const session = greeted();
  const ids = ['cue', 'ready', 'take'].map((type) => session.command({ type }));
  reconnect(300);
  assert.deepEqual(sockets[1].commands.map((command) => command.id), ids);
  assert.equal(new Set(ids).size, 3);
});
