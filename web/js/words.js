/** (P) Stable codes (docs/protocol.md) and states in words for people. */

/** @type {Record<string, {title: string, text: string}>} */
const FAULTS = {
  no_usable_codec: {
    title: 'This browser cannot show the programme',
    text: 'It offers no H264 video. Please open this page in Chrome, Edge or Safari, or in Firefox with its OpenH264 plug-in switched on.',
  },
  unreachable: { title: 'Looking for the server', text: 'It does not answer at the moment. The programme comes back here by itself.' },
  no_media: { title: 'No media gets through', text: 'The page works, but sound and picture do not arrive: this network may block UDP. Still trying.' },
  connection_lost: { title: 'Connection lost', text: 'Connecting again. Nothing to do for you.' },
  busy: { title: 'The house is full', text: 'Every seat is taken at the moment. Trying again every few seconds.' },
  pass_missing: { title: 'A personal link is needed', text: 'This event is for invited guests. Please open the link that you were sent.' },
  pass_invalid: { title: 'This link is not valid', text: 'Please open the whole link that you were sent, or ask the organiser for a new one.' },
  pass_expired: { title: 'This link has expired', text: 'Please ask the organiser for a new one.' },
  pass_foreign: { title: 'This link belongs to another event', text: 'Please look for the one of this event.' },
  pass_unknown_person: { title: 'This link is no longer in use', text: 'Please ask the organiser for a new one.' },
  role_forbidden: { title: 'This link opens another page', text: 'Its role may not do this. Please check which link you opened.' },
  removed: { title: 'You were taken out of the show', text: 'The stage manager has closed your place. If that was a mistake, ask them to let you in again, then try again here.' },
  taken_over: { title: 'You are connected elsewhere', text: 'Your link was opened on another device or in another tab, which took over. You can close this page.' },
};

/** @param {string | null} code @param {string | null} [message] the server's own sentence @returns {{title: string, text: string, code: string | null}} */
export function fault(code, message = null) {
  const known = code === null ? undefined : FAULTS[code];
  if (known) return { ...known, code };
  return { title: 'Connecting again', text: message ?? 'One moment, please.', code };
}

/** @type {Record<string, string>} */
const TALK_STATES = { planned: 'Planned', standby: 'Standby', live: 'On air', done: 'Done', skipped: 'Skipped' };

/** @param {string} state @returns {string} */
export function talkState(state) {
  return TALK_STATES[state] ?? state;
}

/** @type {Record<string, string>} */
const PERSON_STATES = { absent: 'Absent', green_room: 'Green room', ready: 'Ready', standby: 'Standby', on_air: 'On air' };

/** @type {Record<string, string>} */
const PERSON_TONES = { absent: 'bad', green_room: 'warn', ready: 'good', standby: 'good', on_air: 'air' };

/** @param {import('./types.js').Person | null} person @returns {{words: string, tone: string}} how they are, as producers see them */
export function presence(person) {
  if (!person) return { words: '', tone: '' };
  if (person.removed) return { words: 'Removed', tone: 'bad' };
  const away = person.connected === false && person.feeds?.length === 0;
  const state = (away ? null : person.state) ?? 'absent'; // a talk that was forced has people on air who are not here
  if (state === 'standby' && person.ready === false) return { words: 'Standby, not ready', tone: 'warn' };
  return { words: PERSON_STATES[state] ?? state, tone: PERSON_TONES[state] ?? '' };
}

/** @type {Record<string, string>} */
const LINKS = { connecting: 'Connecting\u2026', open: 'Connected', away: 'Connecting again\u2026', ended: 'Disconnected' };

/** @param {string} link @returns {{text: string, tone: string}} */
export function linkPill(link) {
  return { text: LINKS[link] ?? link, tone: link === 'open' ? 'good' : link === 'ended' ? 'bad' : 'warn' };
}
