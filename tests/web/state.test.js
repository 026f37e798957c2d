/** The pure reducers of web/js/state.js. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { initial, reduce, REFUSALS_KEPT, RESEND_WITHIN, unanswered } from '../../web/js/state.js';
import { NOW, show } from './show.js';

const server = (state, message, at = NOW) => reduce(state, { type: 'server', message, at });
const sent = (state, command, at = NOW) => reduce(state, { type: 'sent', command, at });
const welcome = (started) => ({ type: 'welcome', you: { id: 'ana', name: 'Ana', role: 'speaker' }, now: NOW, server: { version: '1', started } });

test('the newest state replaces the one before', () => {
  const state = server(server(initial(), show({ revision: 1 })), show({ revision: 2, standby: 'ben' }));
  assert.equal(state.show.standby, 'ben');
});

test('an older state that arrives late is ignored', () => {
  const state = server(server(initial(), show({ revision: 5, standby: 'ben' })), show({ revision: 4 }));
  assert.equal(state.show.standby, 'ben');
});

test('after a restart of the server a lower revision is believed', () => {
  let state = server(initial(), welcome(1));
  state = server(state, show({ revision: 50 }));
  state = server(state, welcome(2));
  assert.equal(state.show, null);
  assert.equal(server(state, show({ revision: 3 })).show.revision, 3);
});

test('the show stays on the page when the same server greets again', () => {
  let state = server(initial(), welcome(1));
  state = server(state, show({ revision: 7 }));
  assert.equal(server(state, welcome(1)).show.revision, 7);
});

test('a command is pending until it is done', () => {
  const waiting = sent(initial(), { type: 'take', id: 'a' });
  assert.deepEqual(Object.keys(waiting.pending), ['a']);
  assert.deepEqual(server(waiting, { type: 'done', id: 'a' }).pending, {});
});

test('a refused command leaves its reason, with the command it answers', () => {
  const waiting = sent(initial(), { type: 'take', id: 'a', talk: 'ben' });
  const state = server(waiting, { type: 'error', id: 'a', error: { code: 'not_ready', message: 'Ben is not ready.', people: ['ben'] } });
  assert.deepEqual(state.pending, {});
  assert.equal(state.refusals[0].command.talk, 'ben');
  assert.equal(state.refusals[0].fault.code, 'not_ready');
});

test('a newer refusal of the same kind of command replaces the older', () => {
  let state = initial();
  for (const id of ['a', 'b']) {
    state = sent(state, { type: 'take', id });
    state = server(state, { type: 'error', id, error: { code: 'stale', message: id } });
  }
  assert.deepEqual(state.refusals.map((refusal) => refusal.id), ['b']);
});

test('refusals on the page are bounded', () => {
  let state = initial();
  for (let i = 0; i < 20; i += 1) {
    state = sent(state, { type: `kind${i}`, id: String(i) });
    state = server(state, { type: 'error', id: String(i), error: { code: 'x', message: 'x' } });
  }
  assert.equal(state.refusals.length, REFUSALS_KEPT);
  assert.equal(state.refusals.at(-1).id, '19');
});

test('a refusal keeps the revision of the show in which it came', () => {
  const state = server(server(initial(), show({ revision: 17 })), { type: 'error', id: '1', error: { code: 'not_ready', message: 'Not ready.' } });
  assert.equal(server(state, show({ revision: 18 })).refusals[0].revision, 17);
});

test('an error without an id is shown and can be closed', () => {
  const state = server(initial(), { type: 'error', error: { code: 'malformed', message: 'No.' } });
  assert.equal(state.refusals.length, 1);
  assert.equal(reduce(state, { type: 'dismiss', id: state.refusals[0].id }).refusals.length, 0);
});

test('after a break young commands are said again and old ones are given up', () => {
  let state = sent(initial(), { type: 'take', id: 'old' }, NOW - RESEND_WITHIN - 1);
  state = sent(state, { type: 'cue', id: 'young' }, NOW - 10);
  const { again, lost } = unanswered(state, NOW);
  assert.deepEqual(again.map((c) => c.id), ['young']);
  assert.deepEqual(lost.map((c) => c.id), ['old']);
});

test('messages of a newer server change nothing', () => {
  const state = initial();
  assert.equal(server(state, { type: 'fireworks' }), state);
});

test('a farewell is kept with its code until the next welcome', () => {
  const state = server(initial(), { type: 'bye', code: 'taken_over', message: 'x' });
  assert.equal(state.bye.code, 'taken_over');
  assert.equal(server(state, welcome(1)).bye, null);
});

test('reducers never change the state they are given', () => {
  const frozen = Object.freeze({ ...initial(), pending: Object.freeze({}), refusals: Object.freeze([]) });
  const actions = [
    { type: 'link', link: 'open', retryAt: null },
    { type: 'sent', command: { type: 'take', id: '1' }, at: NOW },
    { type: 'server', message: show(), at: NOW },
    { type: 'server', message: { type: 'error', id: '1', error: { code: 'x', message: 'x' } }, at: NOW },
  ];
  for (const action of actions) assert.notEqual(reduce(frozen, action), frozen);
});
