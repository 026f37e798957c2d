/** (P) A speaker's clock and cues: time left, overrun, "next is you in 5:00", and what is said aloud at which moment. */

import { endsAt, MINUTE, onNow, talkById } from './rundown.js';

/** @typedef {import('./types.js').Show} Show @typedef {import('./types.js').Cue} Cue */

/** The last minutes of a talk are shown in amber, ms. */
const NEARLY = 2 * MINUTE;

/** A speaker sees the countdown to their turn from here on, ms. */
const SOON = 60 * MINUTE;

/** Their turn is so near that the countdown is shown in amber, ms. */
const NEXT = 5 * MINUTE;

/**
 * What the big clock says. `ms` is never negative: `label` says whether it is time left or time over.
 *
 * @typedef {{label: string, ms: number, mood: 'fine' | 'nearly' | 'over', done: number} | null} Clock `done`: 0 to 1 of the talk
 */

/** @param {Show} show @param {number} now server, epoch ms @param {'air' | 'standby' | 'off'} tally @returns {Clock} */
export function clockOf(show, now, tally) {
  const talk = onNow(show);
  if (tally === 'air' && talk) {
    const ends = show.air.ends ?? endsAt(talk);
    if (ends === null) return null;
    const left = ends - now;
    const done = Math.max(0, Math.min(1, 1 - left / (talk.minutes * MINUTE)));
    if (left < 0) return { label: 'over time', ms: -left, mood: 'over', done };
    return { label: 'left', ms: left, mood: left < NEARLY ? 'nearly' : 'fine', done };
  }
  const at = show.you?.next_at ?? null;
  if (at === null || at - now > SOON) return null;
  const wait = Math.max(0, at - now);
  return { label: wait === 0 ? 'any moment now' : tally === 'standby' ? 'until you are on air' : 'until your turn', ms: wait, mood: wait < NEXT ? 'nearly' : 'fine', done: 0 };
}

/** The moments that are said aloud, ms before the end or the turn. */
const LEFT = [5 * MINUTE, 2 * MINUTE, MINUTE, 0];
const TURN = [15 * MINUTE, 5 * MINUTE, MINUTE];

/**
 * What a screen reader says as the clock passes one of its moments; null between them.
 *
 * @param {Clock} before a moment ago @param {Clock} after @returns {string | null}
 */
export function spoken(before, after) {
  if (!before || !after) return null;
  if (after.label === 'over time') return before.label === 'left' ? 'Your time is over' : null;
  if (before.label !== after.label) return null;
  const left = after.label === 'left';
  const passed = (left ? LEFT : TURN).find((moment) => before.ms > moment && after.ms <= moment);
  if (passed === undefined) return null;
  const minutes = passed / MINUTE;
  const words = minutes === 1 ? '1 minute' : `${minutes} minutes`;
  return left ? `${words} left` : `Next is you in ${words}`;
}

/**
 * One sentence on when it is a speaker's turn, for the line under the tally.
 *
 * @param {Show} show @param {string | null} talkId their talk @returns {string} '' when there is nothing to say
 */
export function turnWords(show, talkId) {
  const talk = talkById(show, talkId);
  if (!talk || talk === onNow(show)) return '';
  if (talk.id === show.standby) return 'You are next. Look into the camera.';
  const index = show.talks.indexOf(talk);
  const waiting = show.talks.slice(0, index).filter((other) => !['done', 'skipped'].includes(other.state)).length;
  return waiting === 0 ? 'Nobody is before you.' : waiting === 1 ? 'One talk is before you.' : `${waiting} talks are before you.`;
}

/** @param {Show} show @returns {Cue[]} the text cues that wait for an answer, the newest first */
export function openCues(show) {
  return (show.you?.messages ?? []).filter((cue) => cue.acked === null).reverse();
}
