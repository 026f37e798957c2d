/** Targets in words, and that a page keeps no key. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { answerTo, initial, reduce } from '../../web/js/state.js';
import { countWords, rate, targetWords } from '../../web/js/targets.js';

const target = { id: 'tube', name: 'Tube', address: 'rtmp://host/live/***', on: true, fixed: false };
const line = { id: 'tube', state: 'live', since: 0, code: null, reason: '', next_try: null, bitrate: 2_540_000, dropped: 0, reconnects: 0 };

test('each state has its word and its tone', () => {
  assert.deepEqual(targetWords({ ...target, on: false }, line, 0), { word: 'Off', words: '', tone: '' });
  assert.equal(targetWords(target, null, 0).word, 'Connecting\u2026');
  assert.deepEqual(targetWords(target, line, 0), { word: 'Live', words: '2.5 Mbit/s', tone: 'good' });
  assert.equal(targetWords(target, { ...line, dropped: 12, reconnects: 1 }, 0).words, '2.5 Mbit/s \u00b7 connected anew once \u00b7 12 frames left out');
});

test('a target that failed says why, and when it is tried again', () => {
  const failed = { ...line, state: 'retrying', code: 'refused', reason: 'It refuses the connection.', next_try: 5000 };
  assert.deepEqual(targetWords(target, failed, 1200), { word: 'Trying again', words: 'It refuses the connection. Next try in 4 s.', tone: 'bad' });
  assert.match(targetWords(target, failed, 9000).words, /Next try now\.$/);
});

test('rates and counts are short', () => {
  assert.equal(rate(0), '');
  assert.equal(rate(96_400), '96 kbit/s');
  assert.equal(countWords([{ ...target, on: false }], []), '');
  assert.equal(countWords([target, { ...target, id: 'two' }], [line]), '1 of 2 live');
});

test('a refused target leaves no key on the page', () => {
  const command = { type: 'target', id: 'a', do: 'add', name: 'T', url: 'rtmp://h/live/SECRET', key: 'SECRET' };
  let state = reduce(initial(), { type: 'sent', command, at: 0 });
  state = reduce(state, { type: 'server', message: { type: 'error', id: 'a', error: { code: 'bad_target', message: 'No.' } }, at: 1 });
  assert.equal(state.refusals[0].command.type, 'target');
  assert.doesNotMatch(JSON.stringify(state), /SECRET/);
});

test('a form hears what became of its command: waiting, done, or refused and why', () => {
  const sent = (id) => (state) => reduce(state, { type: 'sent', command: { type: 'target', id }, at: 0 });
  const told = (state, message) => reduce(state, { type: 'server', message, at: 1 });
  const both = sent('b')(sent('a')(initial()));
  assert.equal(answerTo(both, 'a'), 'waiting');
  const answered = told(told(both, { type: 'done', id: 'a' }), { type: 'error', id: 'b', error: { code: 'bad_target', message: 'No such host.' } });
  assert.equal(answerTo(answered, 'a'), 'done');
  assert.equal(answerTo(answered, 'b').fault.message, 'No such host.');
});
