/**
 * (P) How fast live LL-HLS plays, so that what is left in the buffer when the next part comes (the spare) is little,
 * but enough. Time is in s, moments in ms by one clock.
 *
 * hls.js by itself catches up only while more than a second is buffered, and never slows down: a third of a second
 * more delay than a good line needs, and on a bad one a stall at each part.
 *
 * @typedef {{looks: {at: number, ahead: number}[], stalls: number[], rate: number}} Pace `ahead`: seconds that are buffered
 */

/** The spare that is wanted: an outage of the mixer is shorter. */
const SPARE = 0.65;

/** Each stall of the last minute asks for this much more, up to `MOST`. */
const MORE = 0.2;
const MOST = 3;
const MEMORY = 60_000; // ms

/** Parts come each quarter of a second: within this the spare has been seen, ms. */
const WINDOW = 600;

/** So far from what is wanted nothing is done: above, and below. */
const OVER = 0.05;
const UNDER = 0.25;

/** Nobody hears these. */
const FASTEST = 1.5;
const SLOWEST = 0.9;

/** @returns {Pace} */
export function begin() {
  return { looks: [], stalls: [], rate: 1 };
}

/** So much is buffered now. @param {Pace} pace @param {number} ahead @param {number} at @returns {Pace} */
export function look(pace, ahead, at) {
  const looks = [...pace.looks.filter((each) => at - each.at < WINDOW), { at, ahead }];
  const stalls = pace.stalls.filter((each) => at - each < MEMORY);
  const over = Math.min(...looks.map((each) => each.ahead)) - Math.min(MOST, SPARE + MORE * stalls.length);
  let rate = 1;
  if (over > OVER) rate = Math.min(FASTEST, 1 + Math.ceil(over * 20) / 20);
  if (over < -UNDER) rate = SLOWEST;
  return { looks, stalls, rate };
}

/** Nothing was left to play. @param {Pace} pace @param {number} at @returns {Pace} */
export function stalled(pace, at) {
  return { ...pace, looks: [], stalls: [...pace.stalls, at] };
}
