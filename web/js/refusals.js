/** (P) What a producer may do about a refusal. */

/** @typedef {import('./state.js').Refusal} Refusal @typedef {import('./types.js').Command} Command */

/** @type {Record<string, {word: string, codes: string[]}>} */
const FORCEABLE = {
  take: { word: 'Take anyway', codes: ['people_missing', 'not_ready', 'no_picture', 'talk_over'] },
  cue: { word: 'Cue anyway', codes: ['talk_over'] },
};

/**
 * What was refused, and may be forced by a determined producer. A take is forced in the show as it was when it was
 * refused: once that has moved on, the server refuses it again.
 *
 * @param {Refusal} refusal @returns {{word: string, command: Command} | null} the button's word, and what it sends
 */
export function anyway({ command, fault, revision }) {
  const known = FORCEABLE[command.type];
  if (!known?.codes.includes(fault.code)) return null;
  const { type, talk, transition = 'cut' } = command;
  const forced = { type, talk, force: true };
  return { word: known.word, command: type === 'take' ? { ...forced, transition, revision } : forced };
}
