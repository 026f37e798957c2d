/** Recordings in words: sizes, lengths, whose feed it is. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atZone } from '../../web/js/time.js';
import { buttonWords, feedName, length, planFault, size } from '../../web/js/recordings.js';

test('sizes and lengths as people read them', () => {
  assert.deepEqual([500, 2_400_000, 1_234_000_000].map(size), ['1 kB', '2 MB', '1.2 GB']);
  assert.deepEqual([5, 65.4, 3723].map(length), ['0:05', '1:05', '1:02:03']);
});

test('a feed is named by its speaker, a shared screen as such', () => {
  const nameOf = (id) => ({ ada: 'Ada Lovelace' })[id] ?? id;
  const kept = (file) => feedName({ file, octets: 1, written: 1 }, nameOf);
  assert.equal(kept('ada-20230329T060000Z.mkv'), 'Ada Lovelace');
  assert.equal(kept('ada-slides-20230329T060000Z-2.mkv'), 'Ada Lovelace (screen)');
  assert.equal(kept('who-knows-20230329T060000Z.mkv'), 'who-knows');
});

test('there is nothing to press where nothing was kept', () => {
  assert.equal(buttonWords('lost'), '');
  assert.equal(buttonWords('ready'), 'Download');
});

test('an hour in a zone is a moment, also where clocks change', () => {
  const iso = (text, zone) => new Date(atZone(text, zone)).toISOString();
  assert.equal(iso('2023-06-08T09:00', 'Asia/Kolkata'), '2023-06-08T03:30:00.000Z');
  assert.equal(iso('2023-03-26T01:59', 'Europe/Paris'), '2023-03-26T00:59:00.000Z');
  assert.equal(iso('2023-03-26T02:30', 'Europe/Paris'), '2023-03-26T01:30:00.000Z'); // left out: shown as 3:30
  assert.equal(iso('2023-03-26T03:00', 'Europe/Paris'), '2023-03-26T01:00:00.000Z');
  assert.equal(iso('2023-10-29T02:30', 'Europe/Paris'), '2023-10-29T00:30:00.000Z'); // the first of the two
  assert.ok(Number.isNaN(atZone('soon', 'UTC')));
});

test('a re-air is for later, or for now; one in a loop may have begun', () => {
  const now = Date.UTC(2023, 2, 29, 14, 5, 30);
  assert.equal(planFault(null, false, now), '');
  assert.equal(planFault(now + 1, false, now), '');
  assert.equal(planFault(Date.UTC(2023, 2, 29, 14, 5), false, now), ''); // this minute
  assert.match(planFault(Date.UTC(2023, 2, 29, 14, 4), false, now), /is over/);
  assert.equal(planFault(Date.UTC(2023, 2, 29, 14, 4), true, now), '');
  assert.match(planFault(NaN, false, now), /no time/);
});
