/** A show for the tests: three talks, three speakers, one producer; every part can be overridden. */

export const NOW = 1_680_069_600_000;
const MIN = 60_000;

/** @param {string} id @param {object} [over] */
export function talk(id, over = {}) {
  return { id, title: `On ${id}`, speakers: [id], layout: 'full', state: 'planned', start: NOW, minutes: 20, started: null, ended: null, ...over };
}

/** @param {string} id @param {object} [over] */
export function person(id, over = {}) {
  return { id, name: id.toUpperCase(), role: 'speaker', title: '', organisation: '', place: '', state: 'ready', ready: true, connected: true, feeds: [id], ...over };
}

/** @param {object} [over] */
export function show(over = {}) {
  return {
    type: 'state',
    revision: 1,
    now: NOW,
    event: { id: 'e', name: 'Event', timezone: 'Asia/Taipei', start: NOW, end: NOW + 60 * MIN },
    phase: 'live',
    air: { kind: 'slate', talk: null, since: NOW, layout: 'slate', slate: { title: 'Event', message: '', until: null } },
    standby: null,
    hand_off: null,
    talks: [talk('ana'), talk('ben', { start: NOW + 20 * MIN }), talk('cleo', { start: NOW + 40 * MIN })],
    people: [person('ana'), person('ben'), person('cleo')],
    ...over,
  };
}

const STATES = (air, standby) => (p) => ({ ...p, state: p.id === air ? 'on_air' : p.id === standby ? 'standby' : p.state });

/** The show with one talk on air since `started`. @param {string} id @param {object} [over] */
export function onAir(id, { started = NOW, ...over } = {}) {
  const base = show(over);
  return {
    ...base,
    people: base.people.map(STATES(id, base.standby)),
    air: { ...base.air, kind: 'talk', talk: id, layout: 'full' },
    talks: base.talks.map((t) => (t.id === id ? { ...t, state: 'live', started } : t)),
  };
}
