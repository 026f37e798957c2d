/** (P) Questions about the show that several pages ask: what is on, what is next, when is my turn, may I take. */

/**
 * @typedef {import('./types.js').Show} Show
 * @typedef {import('./types.js').Talk} Talk
 * @typedef {import('./types.js').Person} Person
 * @typedef {import('./state.js').State} State
 */

export const MINUTE = 60_000;

/** A take follows another at the earliest after this, so that a slip of the finger does not act twice; ms. */
export const TAKE_PAUSE = 600;

/** A take that is not answered holds up the next for so long: a stuck disk delays the answer, not the show; ms. */
export const TAKE_PATIENCE = 3000;

/** @param {Show} show @returns {Talk | null} the talk on air */
export function onNow(show) {
  return show.air.kind === 'talk' ? talkById(show, show.air.talk) : null;
}

/** @param {Show} show @returns {Talk | null} the talk on standby, or else the one that is interrupted, or else the one to cue */
export function upNext(show) {
  return talkById(show, show.standby) ?? talkById(show, show.air.held ?? null) ?? toCue(show);
}

/** @param {Show} show @returns {Talk | null} of the talks still to come the one that is expected first, which one that was passed over is not */
export function toCue(show) {
  const expected = (/** @type {Talk} */ talk) => talk.expected ?? Infinity;
  const waiting = show.talks.filter((talk) => talk.state === 'planned' && talk.id !== show.air.held);
  return waiting.reduce((/** @type {Talk | null} */ first, talk) => (first && expected(first) <= expected(talk) ? first : talk), null);
}

/**
 * When a talk comes: as planned, or where the show is a minute or more beside its plan, as expected.
 *
 * @param {Talk} talk @returns {number | null} epoch ms
 */
export function comesAt(talk) {
  const expected = talk.expected ?? talk.start;
  if (expected === null || talk.start === null) return expected;
  return Math.abs(expected - talk.start) < MINUTE ? talk.start : expected;
}

/** @param {Show} show @param {string | null} id @returns {Talk | null} */
export function talkById(show, id) {
  return show.talks.find((talk) => talk.id === id) ?? null;
}

/** @param {Show} show @param {string} id @returns {Person | null} */
export function personById(show, id) {
  return show.people.find((person) => person.id === id) ?? null;
}

/** @param {Show} show @param {Talk} talk @returns {Person[]} */
export function speakersOf(show, talk) {
  return talk.speakers.flatMap((id) => personById(show, id) ?? []);
}

/** @param {Show} show @param {Talk} talk @returns {string} "A, B and C" without a language: names only */
export function namesOf(show, talk) {
  return talk.speakers.map((id) => personById(show, id)?.name ?? id).join(', ');
}

/** @param {Show} show @param {Talk} talk @param {string} between @returns {string} its title, and who gives it if that is not in it */
export function titled(show, talk, between = ', ') {
  return [talk.title, namesOf(show, talk)].filter(Boolean).join(between);
}

/** @param {Talk} talk @returns {boolean} whether it is a recording, on air again */
export function isAgain(talk) {
  return talk.id.startsWith('again-');
}

/** @param {Person} person @returns {string} "Product Strategist, GovTech Edu, Jakarta" */
export function describe(person) {
  return [person.title, person.organisation, person.place].filter(Boolean).join(', ');
}

/** @param {Talk} talk @returns {number | null} when it should end, epoch ms, once it began */
export function endsAt(talk) {
  return talk.started === null ? null : talk.started + talk.minutes * MINUTE;
}

/** @param {Show} show @param {string} talkId @returns {Talk[]} the talks still to come before this one, the one on air included */
export function before(show, talkId) {
  const index = show.talks.findIndex((talk) => talk.id === talkId);
  return show.talks.slice(0, Math.max(0, index)).filter((talk) => talk.state !== 'done' && talk.state !== 'skipped');
}

/** @param {Show} show @param {string} personId @returns {Talk | null} the talk this person gives now or next */
export function talkOf(show, personId) {
  const mine = show.talks.filter((talk) => talk.speakers.includes(personId));
  return mine.find((talk) => talk.id === show.air.talk && show.air.kind === 'talk') ?? mine.find((talk) => talk.state !== 'done' && talk.state !== 'skipped') ?? null;
}

/**
 * The tally of a person: what the coloured border says. The server's word counts; what the rundown says
 * is for those who are not told how people are.
 *
 * @param {Show | null} show @param {string} personId @returns {'air' | 'standby' | 'off'}
 */
export function tallyOf(show, personId) {
  if (!show) return 'off';
  const state = personById(show, personId)?.state;
  if (state) return state === 'on_air' ? 'air' : state === 'standby' ? 'standby' : 'off';
  if (onNow(show)?.speakers.includes(personId)) return 'air';
  return talkById(show, show.standby)?.speakers.includes(personId) ? 'standby' : 'off';
}

/**
 * The feeds a talk is made of, in the order of the scene: slides before the speaker where the layout is "pip".
 *
 * @param {Show} show @param {Talk} talk @param {string} [layout] @returns {string[]}
 */
export function feedsOf(show, talk, layout = talk.layout) {
  const cameras = talk.speakers;
  const up = show.people.flatMap((person) => person.feeds ?? []);
  const slides = cameras.map((id) => `${id}.slides`).filter((id) => up.includes(id));
  if (layout === 'full') return cameras.slice(0, 1);
  if (layout === 'pip') return [...slides.slice(0, 1), ...cameras.slice(0, 1)];
  if (layout === 'side') return [...cameras, ...slides].slice(0, 2);
  return [...cameras, ...slides].slice(0, 6);
}

/**
 * Whether TAKE may be pressed, and if not, why.
 *
 * @param {State} state @param {number} now our clock, ms @param {number} lastTake our clock, ms
 * @returns {{ok: true, reason: null} | {ok: false, reason: string}}
 */
export function takeVerdict(state, now, lastTake) {
  const { show } = state;
  /** @param {string} reason @returns {{ok: false, reason: string}} */
  const no = (reason) => ({ ok: false, reason });
  if (state.link !== 'open' || !show) return no('Not connected to the server');
  if (show.hand_off) return no('A hand-off is running');
  if (now - lastTake < TAKE_PAUSE) return no('Just taken');
  if (now - lastTake < TAKE_PATIENCE && Object.values(state.pending).some(({ command }) => command.type === 'take' && command.talk !== show.air.talk)) return no('Waiting for the server');
  if (!show.standby) return no('Nothing on standby: cue a talk first');
  return { ok: true, reason: null };
}

/**
 * What stands against taking a talk, in sentences; empty when all is well.
 *
 * @param {Show} show @param {Talk} talk @returns {string[]}
 */
export function doubts(show, talk) {
  return speakersOf(show, talk).flatMap((person) => {
    if (person.connected === false) return [`${person.name} is not connected`];
    if (person.feeds && !person.feeds.includes(person.id)) return [`${person.name} has no camera picture`];
    if (person.ready === false) return [`${person.name} is not ready yet`];
    return [];
  });
}
