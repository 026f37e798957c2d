/** Draws the multiview and who is connected. Every function is idempotent. */

import { FeedTile } from '../components/feed-tile.js';
import { byId, el, keyed, setText } from '../dom.js';
import { clientWords, feedFigures, feedWords } from '../health.js';
import { personById, tallyOf } from '../rundown.js';
import { presence } from '../words.js';

/** @typedef {import('../state.js').State} State @typedef {import('../types.js').Show} Show @typedef {import('../feed-pool.js').FeedPool} FeedPool */

/** The tone of the tally, where it is not that of a person who is here. */
const ON_TALLY = { air: 'air', standby: 'good', off: '' };

/** Every feed to look at: what is up, of speakers in the order of the rundown, then clips. @param {State} state @returns {string[]} */
export function wantedFeeds(state) {
  if (!state.show || state.you?.role !== 'producer') return [];
  const ofPeople = speakers(state.show).flatMap((person) => person.feeds ?? []);
  const clips = (state.health?.feeds ?? []).filter((feed) => feed.kind === 'clip').map((feed) => feed.id);
  return [...new Set([...ofPeople, ...clips])];
}

/** @param {Show} event */
function speakers(event) {
  const ids = [...new Set(event.talks.flatMap((talk) => talk.speakers))];
  return ids.flatMap((id) => personById(event, id) ?? []);
}

/** @param {Show} event @param {string} id of a feed @returns {{name: string, what: string}} */
export function feedName(event, id) {
  const person = personById(event, id.replace(/\.slides$/, ''));
  if (person) return { name: person.name, what: id.endsWith('.slides') ? 'Slides' : '' };
  return { name: id.replace(/^clip\./, ''), what: 'Clip' };
}

/**
 * @typedef {{listen: (feed: string) => void, mute: (person: string) => void, person: (person: string) => void,
 *   talk: (person: string, held: boolean) => void}} Hands what the buttons of a tile do
 */

/** Multiview and clients. @param {State} state @param {FeedPool} pool @param {string} listening @param {Hands} hands */
export function drawHealth(state, pool, listening, hands) {
  const { show: event } = state;
  if (!event) return;
  const cameras = speakers(event).map((person) => person.id);
  const others = wantedFeeds(state).filter((id) => !cameras.includes(id));
  keyed(
    byId('feeds'),
    [...cameras.flatMap((id) => [id, ...others.filter((other) => other === `${id}.slides`)]), ...others.filter((id) => id.startsWith('clip.'))],
    (id) => id,
    (id) => {
      const tile = new FeedTile();
      tile.dataset.feed = id;
      tile.addEventListener('listen', () => hands.listen(id));
      tile.addEventListener('mute', () => hands.mute(id));
      tile.addEventListener('person', () => hands.person(id));
      tile.addEventListener('talk', (event) => hands.talk(id, /** @type {CustomEvent<boolean>} */ (event).detail));
      return tile;
    },
    (tile, id) => tile.update(viewOf(state, event, id, pool, listening)),
  );
  drawClients(state.health);
}

/** Meters move faster than health comes. @param {FeedPool} pool */
export function drawLevels(pool) {
  for (const tile of document.querySelectorAll('pv-feed')) {
    const level = pool.level(/** @type {HTMLElement} */ (tile).dataset.feed ?? '');
    if (level !== null) /** @type {FeedTile} */ (tile).level = level;
  }
}

/** @param {import('../types.js').Health | null} health */
function drawClients(health) {
  const clients = health?.clients ?? [];
  setText(byId('clients-count'), clients.length > 0 ? String(clients.length) : '');
  keyed(byId('clients'), clients, (client) => `${client.id} ${client.page} ${client.since}`, () => el('li', {}, el('span', { class: 'dot', 'aria-hidden': 'true' }), el('span', { class: 'clients-who' }, el('strong'), el('span', { class: 'muted' })), el('span', { class: 'clients-words number' })), (node, client) => {
    const [dot, who, words] = /** @type {HTMLElement[]} */ ([...node.children]);
    const said = clientWords(client, health);
    node.dataset.client = client.page;
    dot.dataset.tone = said.tone;
    setText(/** @type {Node} */ (who.firstChild), client.name || 'Viewer');
    setText(/** @type {Node} */ (who.lastChild), ` ${client.page}`);
    setText(words, said.words);
  });
}

/** @param {State} state @param {Show} event @param {string} id @param {FeedPool} pool @param {string} listening @returns {import('../components/feed-tile.js').FeedView} */
function viewOf(state, event, id, pool, listening) {
  const feed = state.health?.feeds.find((known) => known.id === id) ?? null;
  const owner = id.replace(/\.slides$/, '');
  const person = personById(event, owner);
  const { name, what } = feedName(event, id);
  const up = person?.feeds?.includes(id) ?? feed !== null;
  const said = feedWords(feed);
  const how = presence(person);
  const away = how.tone === 'bad'; // and has no light
  const tally = away ? 'off' : tallyOf(event, owner);
  const missing = person && !up ? (person.removed ? 'Removed' : person.connected ? 'Connected, no camera' : 'Not here yet') : '';
  return {
    name,
    what,
    stream: up ? pool.stream(id) : null,
    tally,
    level: up && what !== 'Slides' ? (pool.level(id) ?? feed?.level ?? null) : null,
    words: missing || said.words,
    tone: missing ? '' : said.tone,
    figures: up ? feedFigures(feed) : '',
    state: what || how.words,
    stateTone: what || away ? ON_TALLY[tally] : how.tone,
    listening: listening === id,
    canListen: up && what !== 'Slides',
    person: person !== null && what === '',
    muted: person?.level?.muted ?? false,
    gain: person?.level?.gain_db ?? 0,
    spoken: (event.talkback ?? []).some(({ by, to }) => by === state.you?.id && to.includes(owner)),
  };
}
