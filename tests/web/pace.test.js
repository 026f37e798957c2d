/** How fast live LL-HLS plays: parts of a quarter of a second on a steady line. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { begin, look, stalled } from '../../web/js/pace.js';

const PART = 0.25;

/** Plays for so many seconds, a look each tenth. @param {number} ahead s that are buffered at first @param {number} seconds */
function played(ahead, seconds) {
  let pace = begin();
  let spare = Infinity;
  for (let tenth = 0; tenth < seconds * 10; tenth += 1) {
    if (tenth % 5 === 0 || tenth % 5 === 2) ahead += PART;
    pace = look(pace, ahead, tenth * 100);
    ahead -= pace.rate / 10;
    assert.ok(ahead > 0, `a stall after ${tenth / 10} s`);
    if (tenth > seconds * 10 - 20) spare = Math.min(spare, ahead);
  }
  return { spare, rate: pace.rate };
}

test('what is behind comes near and stays there', () => {
  for (const begun of [0.9, 1.5, 3]) {
    const { spare, rate } = played(begun, 30);
    assert.ok(spare > 0.4 && spare < 0.8, `${begun}: ${spare}`);
    assert.equal(rate, 1);
  }
});

test('who begins with too little gets more, slowly', () => {
  assert.ok(played(0.15, 30).spare > 0.3);
});

test('what was is forgotten after a minute', () => {
  const pace = stalled(begin(), 0);
  assert.equal(look(pace, 0.7, 1000).rate, 1);
  assert.equal(look(pace, 0.55, 1000).rate, 0.9);
  assert.equal(look(pace, 0.9, 61_000).rate, 1.25);
});
