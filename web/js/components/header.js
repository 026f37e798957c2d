/** What the head of every page shows: the event's name, the day, and the state of the line. */

import { byId, setText } from '../dom.js';
import { clock, day, ownZone, sameClock, span, zoneName } from '../time.js';
import { linkPill } from '../words.js';

/** @typedef {import('../types.js').EventInfo} EventInfo */

/** @param {import('../state.js').State} state */
export function updateHeader(state) {
  const pill = byId('link');
  const { text, tone } = linkPill(state.link);
  setText(pill, text);
  pill.dataset.tone = tone;
  document.body.dataset.link = state.link;
  const event = state.show?.event;
  if (!event) return;
  for (const node of document.querySelectorAll('[data-event="name"]')) setText(node, event.name);
  for (const node of document.querySelectorAll('[data-event="subtitle"]')) setText(node, event.subtitle ?? '');
  for (const node of document.querySelectorAll('[data-event="place"]')) setText(node, event.place ?? '');
  for (const node of document.querySelectorAll('[data-event="when"]')) setText(node, when(event));
  for (const node of document.querySelectorAll('[data-event="there"]')) setText(node, there(event));
}

/** The event's time in the viewer's own zone. @param {EventInfo} event */
export function when(event) {
  return `${day(event.start)}, ${span(event.start, event.end)} your time`;
}

/** The event's time in its own zone, or '' where that is the viewer's. @param {EventInfo} event */
export function there(event) {
  if (sameClock(event.start, ownZone(), event.timezone)) return '';
  const date = day(event.start) === day(event.start, event.timezone) ? '' : `${day(event.start, event.timezone)}, `;
  return `${date}${span(event.start, event.end, event.timezone)} in ${zoneName(event.timezone)}`;
}

/** A moment by two clocks: own time, and the event's where it differs. @param {number} now epoch ms @param {EventInfo} event */
export function bothClocks(now, event) {
  const own = clock(now);
  return sameClock(now, ownZone(), event.timezone) ? own : `${own} \u00b7 ${clock(now, event.timezone)} ${zoneName(event.timezone)}`;
}
