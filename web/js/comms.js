/** (P) Who hears the producer: recipients of talkback and text cues, and who has acknowledged what. */

import { onNow, personById, talkById } from './rundown.js';

/** @typedef {import('./types.js').Show} Show @typedef {import('./types.js').Message} Message */

/** Text cues that a producer says most often. */
export const PHRASES = ['5 minutes left', '1 minute left', 'Please come to an end', 'Louder, please', 'Look into the camera', 'You are next'];

/** @param {Show} show @returns {string[]} everybody who may be spoken to, in the order of the rundown */
export function speakersInOrder(show) {
  const ids = [...new Set(show.talks.flatMap((talk) => talk.speakers))];
  return ids.filter((id) => personById(show, id));
}

/**
 * The people whom a choice means now.
 *
 * @param {Show} show @param {string} choice "next": standby, or else who is on air; "stage": both; "all"; or a person's id
 * @returns {string[]}
 */
export function recipients(show, choice) {
  const air = onNow(show)?.speakers ?? [];
  const next = talkById(show, show.standby)?.speakers ?? [];
  if (choice === 'all') return speakersInOrder(show);
  if (choice === 'stage') return [...new Set([...air, ...next])];
  if (choice === 'next') return next.length > 0 ? next : air;
  return personById(show, choice) ? [choice] : [];
}

/** What a command says of them. @param {Show} show @param {string} choice @returns {string[] | 'all' | null} null for nobody */
export function addressed(show, choice) {
  if (choice === 'all') return 'all';
  const ids = recipients(show, choice);
  return ids.length > 0 ? ids : null;
}

/** @param {Show} show @param {string[]} ids @returns {string} names, or "everybody" */
export function toWords(show, ids) {
  const everybody = speakersInOrder(show);
  if (ids.length > 1 && everybody.every((id) => ids.includes(id))) return 'everybody';
  return ids.map((id) => personById(show, id)?.name ?? id).join(', ');
}

/** Who has read a text cue. @param {Show} show @param {Message} message @returns {{words: string, tone: 'good' | 'warn'}} */
export function ackWords(show, message) {
  const waiting = message.to.filter((id) => message.acks[id] === undefined);
  if (waiting.length === 0) return { words: 'read', tone: 'good' };
  if (waiting.length === message.to.length) return { words: 'not read yet', tone: 'warn' };
  return { words: `not read by ${toWords(show, waiting)}`, tone: 'warn' };
}

/** Who is speaking in whose ear. @param {Show} show @param {string} me person id @returns {string[]} sentences */
export function talkbackWords(show, me) {
  return (show.talkback ?? []).map(({ by, to }) => {
    const who = by === me ? 'You speak' : `${personById(show, by)?.name ?? by} speaks`;
    return `${who} to ${toWords(show, to)}`;
  });
}
