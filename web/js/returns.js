/** (P) When the programme's return may sound in a speaker's room. */

/**
 * On air it never does: a speaker would hear their own voice late, and the microphone would send it out
 * again. On standby only with headphones, because the microphone may open at any moment.
 *
 * @param {{tally: 'air' | 'standby' | 'off', wanted: boolean, headphones: boolean}} situation
 * @returns {{on: boolean, why: string}}
 */
export function returnSound({ tally, wanted, headphones }) {
  if (tally === 'air') return { on: false, why: 'Silent while you are on air, so that you do not hear yourself' };
  if (!wanted) return { on: false, why: 'Switched off' };
  if (tally === 'standby' && !headphones) return { on: false, why: 'Silent on standby without headphones, against echo' };
  return { on: true, why: 'You hear the programme; it falls silent when you go on air' };
}
