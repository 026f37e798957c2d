/** The viewer's page: now and next, the curtain before and after the event, the agenda and the list of talks. */

import { Agenda } from '../components/agenda.js';
import { there, when } from '../components/header.js';
import { byId, el, keyed, need, setText, show } from '../dom.js';
import { namesOf, upNext } from '../rundown.js';
import { chapterAt, chapterOf, names } from '../timeline.js';
import { clock, duration } from '../time.js';

/**
 * @typedef {import('../types.js').Show} Show @typedef {import('../timeline.js').Chapter} Chapter
 * @typedef {import('../timeline.js').Extent} Extent @typedef {import('../watching.js').Watching} Watching
 */

/** @param {(talk: string) => void} onWatch a talk is to be watched from its start */
export function wireView(onWatch) {
  need('agenda', Agenda).addEventListener('watch', (event) => onWatch(/** @type {CustomEvent} */ (event).detail));
}

/** @param {Watching} view @param {number} now epoch ms */
export function drawNow(view, now) {
  byId('now').dataset.live = String(view.mode === 'live');
  setText(byId('now-label'), view.now.label);
  setText(byId('now-title'), view.now.title);
  setText(byId('now-who'), view.now.who);
  show(byId('next'), view.next !== null);
  if (view.next) {
    setText(byId('next-label'), view.next.label);
    setText(byId('next-title'), view.next.title);
    setText(byId('next-who'), view.next.who);
  }
  const left = view.until === null ? 0 : view.until - now;
  show(byId('countdown'), left > 0 && view.mode === 'break');
  setText(byId('countdown-word'), view.untilWord);
  setText(byId('countdown-time'), left > 0 ? duration(left) : '');
}

/**
 * Before the first talk and after the last one: the times of the viewer's own zone, and the way into the recording.
 *
 * @param {Show} state @param {Watching} view @param {number} now @param {import('../programme.js').Programme} programme @param {Extent | null} whole
 */
export function drawCurtain(state, view, now, programme, whole) {
  const soon = view.mode === 'soon';
  const shown = (soon || view.mode === 'over') && !programme.isClosed;
  show(byId('curtain'), shown);
  if (!shown) return;
  const left = (view.until ?? 0) - now;
  setText(byId('curtain-label'), view.now.label);
  setText(byId('curtain-title'), soon ? state.event.name : view.now.title);
  setText(byId('curtain-text'), soon ? opening(state, left) : whole ? 'Every talk is here to be watched again.' : view.now.who);
  show(byId('curtain-clock'), soon && left > 0);
  setText(byId('curtain-clock'), left > 0 ? duration(left) : '');
  setText(byId('curtain-own'), soon ? when(state.event) : '');
  setText(byId('curtain-there'), soon ? there(state.event) : '');
  show(byId('curtain-watch'), !soon && whole !== null);
}

/** @param {Show} state @param {number} left ms to the planned start @returns {string} */
function opening(state, left) {
  if (left <= 0) return state.air.slate.message || 'We begin in a moment.';
  const first = upNext(state);
  return first ? `We open with ${first.title}${first.speakers.length > 0 ? `, ${namesOf(state, first)}` : ''}.` : state.air.slate.message;
}

/** @param {Show} state @param {Chapter[]} list @param {Extent | null} whole */
export function drawAgenda(state, list, whole) {
  const kept = (/** @type {string} */ talk) => {
    const chapter = chapterOf(list, talk);
    return chapter !== null && whole !== null && (chapter.end ?? whole.to) > whole.from;
  };
  need('agenda', Agenda).update(state, kept);
}

/** @param {Chapter[]} list @param {Extent | null} whole @param {number} date of what is seen @param {(date: number) => void} play */
export function drawChapters(list, whole, date, play) {
  const on = whole ? chapterAt(list, date) : null;
  keyed(
    byId('chapter-list'),
    whole ? list.filter((chapter) => (chapter.end ?? whole.to) > whole.from) : [],
    (chapter) => chapter.id,
    (chapter) => chapterButton(chapter, play),
    (node, chapter) => {
      const [when, title, who] = /** @type {Element} */ (node.firstElementChild).children;
      setText(when, `${clock(chapter.start)}${chapter.end === null ? '' : ` \u00b7 ${duration(chapter.end - chapter.start)}`}`);
      setText(title, chapter.title);
      setText(who, names(chapter));
      if (chapter === on) node.setAttribute('aria-current', 'true');
      else node.removeAttribute('aria-current');
    },
  );
}

/** @param {Chapter} chapter @param {(date: number) => void} play @returns {HTMLElement} */
function chapterButton({ start }, play) {
  const parts = ['when number', 'title', 'who'].map((name) => el('span', { class: `chapter-${name}` }));
  const button = el('button', { class: 'chapter-button' }, ...parts);
  button.addEventListener('click', () => play(start));
  return el('li', {}, button);
}
