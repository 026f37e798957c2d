/** The desk's pure parts: web/js/edits.js, moves.js, refusals.js and hotkeys.js. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addition, changes, formOf, movable, moveBefore, moveBy, muteOnAir, timeField, timeNear } from '../../web/js/edits.js';
import { actOf } from '../../web/js/hotkeys.js';
import { moveKey, moveWords, movesOfOthers } from '../../web/js/moves.js';
import { anyway } from '../../web/js/refusals.js';
import { MINUTE } from '../../web/js/rundown.js';
import { NOW, onAir, person, show, talk } from './show.js';

test('a talk moves up and down, and nowhere beyond the ends', () => {
  assert.equal(moveBy(show(), 'ben', -1).before, 'ana');
  assert.equal(moveBy(show(), 'ben', 1).before, null);
  assert.equal(moveBy(show(), 'ana', 1).before, 'cleo');
  assert.equal(moveBy(show(), 'ana', -1), null);
  assert.equal(moveBy(show(), 'cleo', 1), null);
  assert.equal(moveBy(show(), 'nobody', 1), null);
});

test('what is on air, held or over stays where it is', () => {
  assert.equal(moveBy(onAir('ana'), 'ana', 1), null);
  const held = { ...show(), air: { ...show().air, held: 'ben' } };
  assert.equal(movable(held, held.talks[1]), false);
  const over = show({ talks: [talk('ana', { state: 'done' }), talk('ben')] });
  assert.equal(moveBy(over, 'ana', 1), null);
});

test('a drop where the talk already is says nothing', () => {
  assert.equal(moveBefore(show(), 'ana', 'ana'), null);
  assert.equal(moveBefore(show(), 'ana', 'ben'), null);
  assert.equal(moveBefore(show(), 'cleo', null), null);
  assert.deepEqual(moveBefore(show(), 'cleo', 'ana'), { type: 'edit', do: 'move', talk: 'cleo', before: 'ana' });
});

test('a time of day means the nearest such moment, over midnight too', () => {
  const late = new Date(2023, 2, 29, 23, 50).getTime();
  assert.equal(timeNear('00:10', late), late + 20 * MINUTE);
  assert.equal(timeNear('23:40', late), late - 10 * MINUTE);
  assert.equal(timeNear(timeField(late), late), late);
  for (const bad of ['', '25:00', '7', '12:60', 'noon']) assert.equal(timeNear(bad, late), null);
});

test('a form that changes nothing edits nothing', () => {
  const event = show();
  assert.deepEqual(changes(event, event.talks[1], formOf(event.talks[1]), formOf(event.talks[1])), []);
});

test('each change in the form is an edit of its own, and the length goes as minutes more or less', () => {
  const event = show();
  const form = { ...formOf(event.talks[1]), title: ' New ', minutes: 25, layout: 'pip', automatic: true, start: timeField(NOW + 30 * MINUTE) };
  const edits = changes(event, event.talks[1], formOf(event.talks[1]), form);
  assert.deepEqual(edits.map((edit) => edit.do), ['retitle', 'extend', 'retime', 'layout', 'automatic']);
  assert.equal(edits[0].title, 'New');
  assert.equal(edits[1].minutes, 5);
  assert.equal(edits[2].start, NOW + 30 * MINUTE);
});

test('what another producer has changed while the form was open stays, unless it was changed here as well', () => {
  const was = formOf(show().talks[1]);
  const edited = talk('ben', { start: NOW + 20 * MINUTE, title: 'Theirs', minutes: 35, extended: 15, layout: 'side', automatic: true });
  const event = show({ talks: [talk('ana'), edited] });
  const edits = (form) => changes(event, edited, was, { ...was, ...form });
  assert.deepEqual(edits({ title: 'Mine' }), [{ type: 'edit', do: 'retitle', talk: 'ben', title: 'Mine' }]);
  assert.deepEqual(edits({ minutes: 25 }), [{ type: 'edit', do: 'extend', talk: 'ben', minutes: -10 }], 'it is as long as was typed');
  assert.deepEqual(edits({ title: 'Theirs', minutes: 35, layout: 'side', automatic: true }), [], 'both did the same');
});

test('of the talk on air only title, length and how it begins can change', () => {
  const event = onAir('ana');
  const form = { ...formOf(event.talks[0]), title: 'New', layout: 'grid', start: '10:00' };
  assert.deepEqual(changes(event, event.talks[0], formOf(event.talks[0]), form).map((edit) => edit.do), ['retitle']);
});

test('an emptied start lets a talk follow the one before it', () => {
  const event = show({ talks: [talk('ana'), talk('ben', { fixed: true })] });
  assert.deepEqual(changes(event, event.talks[1], formOf(event.talks[1]), { ...formOf(event.talks[1]), start: '' }), [{ type: 'edit', do: 'retime', talk: 'ben', start: null }]);
});

test('a new talk has speakers or a clip, never both', () => {
  const form = { title: 'Panel', minutes: 10, start: '', layout: 'grid', automatic: false, speakers: ['ana', 'ben'], clip: '' };
  assert.deepEqual(addition(show(), form), { type: 'edit', do: 'add', title: 'Panel', minutes: 10, speakers: ['ana', 'ben'], layout: 'grid', automatic: false });
  const film = addition(show(), { ...form, clip: 'film' });
  assert.equal(film.clip, 'film');
  assert.equal('speakers' in film, false);
});

const move = (over) => ({ at: NOW, by: 'Anna', person: 'anna', do: 'take', talk: 'ben', who: null, ...over });

test('a move reads as a sentence, also one that is not known yet', () => {
  assert.deepEqual(moveWords(show(), move({})), { by: 'Anna', words: 'took \u201COn ben\u201D' });
  assert.match(moveWords(show(), move({ do: 'remove', talk: null, who: 'ana' })).words, /removed ANA/);
  assert.equal(moveWords(show(), move({ by: '' })).by, 'By itself');
  assert.match(moveWords(show(), move({ do: 'edit.brand_new' })).words, /edit.brand_new/);
});

test('only what others did, and only once', () => {
  const before = { ...show(), moves: [move({})] };
  const after = { ...show(), moves: [move({}), move({ at: NOW + 1, person: 'me' }), move({ at: NOW + 2, do: 'cue' })] };
  assert.deepEqual(movesOfOthers(before, after, 'me').map(moveKey), [moveKey(after.moves[2])]);
  assert.deepEqual(movesOfOthers(null, after, 'me'), []);
});

test('all who are on air are muted, and unmuted only where nobody is heard any more', () => {
  const panel = (...muted) => onAir('panel', { talks: [talk('panel', { speakers: ['ana', 'ben', 'cleo'] })], people: ['ana', 'ben', 'cleo'].map((id) => person(id, { level: { gain_db: 0, muted: muted.includes(id) } })) });
  const level = (id, muted) => ({ type: 'level', person: id, muted });
  assert.deepEqual(muteOnAir(panel()), [level('ana', true), level('ben', true), level('cleo', true)]);
  assert.deepEqual(muteOnAir(panel('ana')), [level('ben', true), level('cleo', true)]);
  assert.deepEqual(muteOnAir(panel('ana', 'ben', 'cleo')), [level('ana', false), level('ben', false), level('cleo', false)]);
  assert.deepEqual(muteOnAir(show()), []);
});

const refused = (command, code) => ({ id: 'r', command, fault: { code, message: '' }, at: NOW, revision: 17 });

test('a talk that is over can be cued anyway', () => {
  const cue = refused({ type: 'cue', id: 'r', talk: 'ana' }, 'talk_over');
  assert.deepEqual(anyway(cue), { word: 'Cue anyway', command: { type: 'cue', talk: 'ana', force: true } });
});

test('a take is forced in the show as it was when it was refused', () => {
  const take = { type: 'take', id: 'r', talk: 'ana', transition: 'dissolve', revision: 16 };
  const command = { type: 'take', talk: 'ana', transition: 'dissolve', force: true, revision: 17 };
  for (const code of ['people_missing', 'not_ready', 'no_picture', 'talk_over']) assert.deepEqual(anyway(refused(take, code)), { word: 'Take anyway', command });
});

test('what cannot be forced is not offered', () => {
  assert.equal(anyway(refused({ type: 'take', id: 'r', talk: 'ana' }, 'stale')), null);
  assert.equal(anyway(refused({ type: 'cue', id: 'r', talk: 'ana' }, 'already_on_air')), null);
  assert.equal(anyway(refused({ type: 'edit', id: 'r', talk: 'ana' }, 'talk_over')), null);
});

test('keys act alone: with Ctrl, Alt or Cmd they belong to the browser', () => {
  assert.deepEqual(actOf({ key: ' ' }), { do: 'take' });
  assert.deepEqual(actOf({ key: '3' }), { do: 'cue', talk: 2 });
  assert.equal(actOf({ key: 'b' }), null); // the slate takes Shift
  assert.deepEqual(actOf({ key: 'B', shiftKey: true }), { do: 'slate' });
  assert.equal(actOf({ key: 'B' }), null); // Caps Lock is no Shift
  assert.deepEqual(actOf({ key: 'b', shiftKey: true }), { do: 'slate' }); // ... with it
  assert.deepEqual(actOf({ key: 'T' }), { do: 'talkback', to: 'one' });
  assert.equal(actOf({ key: 'c', ctrlKey: true }), null);
  assert.equal(actOf({ key: 'Enter' }), null);
});
