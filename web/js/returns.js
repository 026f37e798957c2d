/** (P) When the programme's return may sound in a speaker's room. */

/**
 * With mix-minus nobody hears themselves, so in headphones the return may sound even on air. Without
 * headphones the microphone would send it out again: then it sounds on air only where there is somebody to
 * talk with, and the browser's echo canceller has to do. Without mix-minus it never sounds on air. On standby
 * nobody hears the microphone yet, so the stage manager is heard there while they speak.
 *
 * @param {{tally: 'air' | 'standby' | 'off', wanted: boolean, headphones: boolean, mixMinus?: boolean, company?: boolean, called?: boolean}} situation
 *   `mixMinus`: the return lacks one's own voice; `company`: others are on air with this speaker; `called`: a producer speaks to them
 * @returns {{on: boolean, why: string}}
 */
export function returnSound({ tally, wanted, headphones, mixMinus = false, company = false, called = false }) {
  if (tally === 'air' && !mixMinus) return { on: false, why: 'Silent while you are on air, so that you do not hear yourself' };
  if (!wanted) return { on: false, why: tally === 'air' ? 'Switched off: you hear nobody' : 'Switched off' };
  if (tally === 'off') return { on: true, why: mixMinus ? 'You hear the programme, without your own voice' : 'You hear the programme; it falls silent when you go on air' };
  if (headphones) return { on: true, why: 'You hear all others and the stage manager, never yourself' };
  if (tally === 'air' && company) return { on: true, why: 'You hear the others. Headphones are better: say so under Devices' };
  if (tally === 'standby' && called) return { on: true, why: 'You hear the stage manager; it falls silent again after that' };
  return { on: false, why: `Silent ${tally === 'air' ? 'on air' : 'on standby'} without headphones, against echo` };
}
