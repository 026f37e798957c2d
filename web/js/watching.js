/** (P) What a viewer is at: before, live, a break, after it, or somewhere in the recording; and the words for it. */

import { comesAt, isAgain, namesOf, onNow, titled, upNext } from './rundown.js';
import { after, chapterAt, names } from './timeline.js';
import { clock, duration, shortDay } from './time.js';
import { fault } from './words.js';

/**
 * @typedef {import('./types.js').Show} Show
 * @typedef {import('./timeline.js').Chapter} Chapter
 * @typedef {'soon' | 'live' | 'break' | 'over' | 'behind' | 'replay'} Mode `behind` of a programme that goes on; `replay`: a recording is on air, or all is over and one watches it again
 * @typedef {{label: string, title: string, who: string}} Card
 * @typedef {{mode: Mode, now: Card, next: Card | null, until: number | null, untilWord: string, headline: string}} Watching
 *   `until`: what a countdown runs to, epoch ms
 */

/** @param {Show} show @param {boolean} live whether the viewer is with the live programme @returns {Mode} */
export function modeOf(show, live) {
  if (!live) return show.phase === 'over' ? 'replay' : 'behind';
  const talk = onNow(show);
  if (talk) return isAgain(talk) ? 'replay' : 'live';
  return show.phase === 'before' ? 'soon' : show.phase === 'live' ? 'break' : 'over';
}

/**
 * @param {Show} show @param {Chapter[]} chapters @param {boolean} live @param {number} date of what is seen, epoch ms
 * @param {number} now epoch ms @returns {Watching}
 */
export function watching(show, chapters, live, date, now) {
  const mode = modeOf(show, live);
  const common = { mode, headline: headline(show) };
  if (!live) return { ...common, ...recorded(show, chapters, mode, date, now) };
  return { ...common, now: nowCard(show, mode), next: nextCard(show), until: until(show, mode), untilWord: mode === 'soon' ? 'Starts in' : 'Goes on in' };
}

/**
 * The card over the picture, while there is none, and why.
 *
 * @param {{code: string, message: string} | null} bye the server's last word
 * @param {{shown: string | null, isClosed: boolean, isLost: boolean, canRewind: boolean}} programme
 * @param {{code: string | null, message: string | null}} rtc what WebRTC says of itself
 * @returns {{title: string, text?: string, code?: string | null} | null}
 */
export function cardOver(bye, { shown, isClosed, isLost, canRewind }, { code, message }) {
  if (bye?.code.startsWith('pass_')) return fault(bye.code, bye.message);
  if (isClosed) return fault(code, message);
  if (shown !== null && !isLost) return null;
  // What WebRTC lacks says nothing of LL-HLS.
  if (isLost) return fault(shown === 'hls' ? 'unreachable' : (code ?? 'unreachable'), message);
  const hopeless = code === 'unreachable' || (code !== null && !canRewind);
  return hopeless ? fault(code, message) : { title: 'Tuning in\u2026' };
}

/** @param {import('./types.js').Talk} talk @returns {string} */
function onNowWord(talk) {
  return isAgain(talk) ? 'On air again' : 'On now';
}

/** @param {Show} show @returns {string} for screen readers, when something else comes on air */
function headline(show) {
  const talk = onNow(show);
  if (talk) return `${onNowWord(talk)}: ${titled(show, talk)}`;
  return show.phase === 'over' ? 'The event is over' : show.air.slate.message || show.air.slate.title;
}

/** @param {Show} show @param {Mode} mode @returns {Card} */
function nowCard(show, mode) {
  const talk = onNow(show);
  if (talk) return { label: onNowWord(talk), title: talk.title, who: namesOf(show, talk) };
  if (mode === 'over') return { label: 'Thank you', title: 'The event is over', who: 'We hope to see you next time.' };
  const { title, message } = show.air.slate;
  return { label: mode === 'soon' ? 'Before the start' : 'A short break', title: title || show.event.name, who: message };
}

/** @param {Show} show @returns {Card | null} */
function nextCard(show) {
  const next = show.phase === 'over' ? null : upNext(show);
  if (!next) return null;
  const at = comesAt(next);
  return { label: show.phase === 'before' ? 'First' : 'Next', title: next.title, who: [namesOf(show, next), at && clock(at)].filter(Boolean).join(' \u00b7 ') };
}

/** @param {Show} show @param {Mode} mode @returns {number | null} */
function until(show, mode) {
  if (mode === 'soon') return show.event.start;
  return mode === 'break' ? show.air.slate.until : null;
}

/** @param {Show} show @param {Chapter[]} chapters @param {Mode} mode @param {number} date @param {number} now @returns {{now: Card, next: Card | null, until: null, untilWord: string}} */
function recorded(show, chapters, mode, date, now) {
  const chapter = chapterAt(chapters, date);
  const label = mode === 'replay' ? `Replay \u00b7 ${shortDay(date)}, ${clock(date)}` : `Recorded at ${clock(date)} \u00b7 ${duration(now - date)} behind live`;
  const card = { label, title: chapter?.title ?? 'Between two talks', who: names(chapter) };
  return { now: card, next: mode === 'replay' ? then(chapters, date) : meanwhile(show), until: null, untilWord: '' };
}

/** @param {Show} show @returns {Card | null} what one misses */
function meanwhile(show) {
  const talk = onNow(show);
  return talk && { label: isAgain(talk) ? onNowWord(talk) : 'On now, live', title: talk.title, who: namesOf(show, talk) };
}

/** @param {Chapter[]} chapters @param {number} date @returns {Card | null} what follows in the recording */
function then(chapters, date) {
  const at = after(chapters, date);
  const next = chapters.find((chapter) => chapter.start === at);
  return next ? { label: 'Then', title: next.title, who: names(next) } : null;
}
