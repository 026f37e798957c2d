/** (P) What a producer's hands mean: edits of the rundown, and of who is heard, as commands of docs/protocol.md, and what may be edited. */

import { onNow, speakersOf } from './rundown.js';

/** @typedef {import('./types.js').Show} Show @typedef {import('./types.js').Talk} Talk */
/** @typedef {{type: 'edit', do: string, [field: string]: unknown}} Edit */

const DAY = 86_400_000;

/** @param {Show} show @param {Talk} talk @returns {boolean} whether it may change its place, its start or be left out */
export function movable(show, talk) {
  return talk !== onNow(show) && show.air.held !== talk.id && talk.state !== 'done';
}

/**
 * A talk one place up or down in the rundown.
 *
 * @param {Show} show @param {string} id @param {-1 | 1} step @returns {Edit | null} null where it cannot go
 */
export function moveBy(show, id, step) {
  const { talks } = show;
  const index = talks.findIndex((talk) => talk.id === id);
  const to = index + step;
  if (index < 0 || to < 0 || to >= talks.length || !movable(show, talks[index])) return null;
  const before = step < 0 ? talks[to].id : (talks[to + 1]?.id ?? null);
  return { type: 'edit', do: 'move', talk: id, before };
}

/**
 * A talk dropped before another, or at the end.
 *
 * @param {Show} show @param {string} id @param {string | null} before @returns {Edit | null} null where nothing would change
 */
export function moveBefore(show, id, before) {
  const index = show.talks.findIndex((talk) => talk.id === id);
  if (index < 0 || id === before || !movable(show, show.talks[index])) return null;
  if ((show.talks[index + 1]?.id ?? null) === before) return null;
  return { type: 'edit', do: 'move', talk: id, before };
}

/** The time of day of an instant, as a field of type "time" holds it. @param {number} ms epoch @returns {string} "14:05", in the zone of this machine */
export function timeField(ms) {
  const at = new Date(ms);
  return `${String(at.getHours()).padStart(2, '0')}:${String(at.getMinutes()).padStart(2, '0')}`;
}

/**
 * The instant that a time of day means: the one nearest to when the talk stood before.
 *
 * @param {string} text "14:05" @param {number} near epoch ms @returns {number | null} epoch ms; null where it is not a time
 */
export function timeNear(text, near) {
  const match = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text.trim());
  if (!match) return null;
  const at = new Date(near);
  at.setHours(Number(match[1]), Number(match[2]), 0, 0);
  const same = at.getTime();
  return [same - DAY, same, same + DAY].reduce((best, candidate) => (Math.abs(candidate - near) < Math.abs(best - near) ? candidate : best));
}

/**
 * @typedef {{title: string, minutes: number, start: string, layout: string, automatic: boolean, speakers: string[], clip: string}} Form
 *   what the form of a talk holds; `start` is '' where it begins when the talk before it ends
 */

/** @param {Talk} talk @returns {Form} */
export function formOf(talk) {
  return {
    title: talk.title,
    minutes: talk.minutes,
    start: talk.fixed && talk.start !== null ? timeField(talk.start) : '',
    layout: talk.layout,
    automatic: talk.automatic ?? false,
    speakers: talk.speakers,
    clip: talk.clip ?? '',
  };
}

/**
 * The edits that bring into a talk what was changed in its form, in an order in which each is legal. What was left
 * alone there is left as it is, because another producer may have changed it meanwhile.
 *
 * @param {Show} show @param {Talk} talk @param {Form} was the form as it was opened @param {Form} form @returns {Edit[]} empty where nothing changed
 */
export function changes(show, talk, was, form) {
  const now = formOf(talk);
  const changed = (/** @type {'title' | 'minutes' | 'start' | 'layout' | 'automatic'} */ field) => form[field] !== was[field] && form[field] !== now[field];
  const edits = /** @type {Edit[]} */ ([]);
  /** @param {string} verb @param {object} fields */
  const say = (verb, fields) => void edits.push({ type: 'edit', do: verb, talk: talk.id, ...fields });
  const title = form.title.trim();
  if (title && title !== was.title && title !== now.title) say('retitle', { title });
  const added = Math.round((form.minutes - now.minutes) * 1000) / 1000;
  if (changed('minutes') && Number.isFinite(added) && added !== 0) say('extend', { minutes: added });
  if (movable(show, talk)) {
    if (changed('start')) {
      const start = form.start === '' ? null : timeNear(form.start, talk.start ?? show.now);
      if (form.start === '' || start !== null) say('retime', { start });
    }
    if (changed('layout')) say('layout', { layout: form.layout });
  }
  if (changed('automatic')) say('automatic', { automatic: form.automatic });
  return edits;
}

/**
 * Closes the microphones of all who are on air; or opens them, where all are closed.
 *
 * @param {Show} show @returns {import('./types.js').Command[]} empty where nobody is on air
 */
export function muteOnAir(show) {
  const talk = onNow(show);
  const people = talk ? speakersOf(show, talk) : [];
  const muted = people.some((person) => !person.level?.muted);
  return people.filter((person) => (person.level?.muted ?? false) !== muted).map(({ id }) => ({ type: 'level', person: id, muted }));
}

/** A new talk, last in the rundown. @param {Show} show @param {Form} form @returns {Edit} */
export function addition(show, form) {
  const start = form.start === '' ? null : timeNear(form.start, show.forecast?.end ?? show.now);
  return {
    type: 'edit',
    do: 'add',
    title: form.title.trim(),
    minutes: form.minutes,
    ...(form.clip ? { clip: form.clip } : { speakers: form.speakers }),
    layout: form.layout,
    automatic: form.automatic,
    ...(start === null ? {} : { start }),
  };
}
