/** (P) What producers did, in sentences: the desk's log, and what the others have just done. */

import { personById, talkById } from './rundown.js';

/** @typedef {import('./types.js').Show} Show @typedef {import('./types.js').Move} Move */

/** @type {Record<string, (talk: string, who: string) => string>} */
const WORDS = {
  cue: (talk) => (talk ? `cued ${talk}` : 'cleared the standby'),
  take: (talk) => `took ${talk || 'the talk on standby'}`,
  slate: () => 'put the slate on air',
  scene: () => 'changed the layout on air',
  pass_floor: (talk) => `passed the floor${talk ? ` to ${talk}` : ''}`,
  ready: (_, who) => `said that ${who || 'somebody'} is ready`,
  level: (_, who) => `set the level of ${who}`,
  talkback: (_, who) => `spoke to ${who || 'speakers'}`,
  message: (_, who) => `sent a message to ${who || 'speakers'}`,
  remove: (_, who) => `removed ${who}`,
  admit: (_, who) => `let ${who} in again`,
  'target.add': () => 'added a platform',
  'target.start': (_, who) => `started the stream to ${who}`,
  'target.stop': (_, who) => `stopped the stream to ${who}`,
  'target.remove': (_, who) => `removed the platform ${who}`,
  reair: () => 'planned a re-air',
  reair_cancel: () => 'cancelled a re-air',
  'edit.move': (talk) => `moved ${talk}`,
  'edit.add': (talk) => `added ${talk || 'a talk'}`,
  'edit.skip': (talk) => `left out ${talk}`,
  'edit.unskip': (talk) => `took ${talk} in again`,
  'edit.extend': (talk) => `changed the length of ${talk}`,
  'edit.retime': (talk) => `changed the start of ${talk}`,
  'edit.retitle': (talk) => `changed the title of ${talk}`,
  'edit.layout': (talk) => `changed the layout of ${talk}`,
  'edit.automatic': (talk) => `changed how ${talk} begins`,
  'edit.slate': () => 'changed the words of the slate',
};

/** @param {Show} show @param {Move} move @returns {{by: string, words: string}} */
export function moveWords(show, move) {
  const talk = talkById(show, move.talk);
  const who = move.who ? (personById(show, move.who)?.name ?? show.targets?.find((target) => target.id === move.who)?.name ?? move.who) : '';
  const words = (WORDS[move.do] ?? ((name) => `${move.do} ${name}`))(talk ? `\u201C${talk.title}\u201D` : (move.talk ?? ''), who);
  return { by: move.by || 'By itself', words };
}

/** @param {Move} move @returns {string} a name of its own, as long as it is kept */
export function moveKey(move) {
  return `${move.at} ${move.person} ${move.do} ${move.talk ?? ''} ${move.who ?? ''}`;
}

/**
 * What others did since: for the line that says so at once.
 *
 * @param {Show | null} before @param {Show} after @param {string} me person id @returns {Move[]} oldest first
 */
export function movesOfOthers(before, after, me) {
  if (!before) return [];
  const known = new Set((before.moves ?? []).map(moveKey));
  return (after.moves ?? []).filter((move) => move.person !== me && !known.has(moveKey(move)));
}
