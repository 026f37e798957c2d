/** A button that acts on its second press, because what it does cannot be taken back. */

import { setAttribute, setText } from '../dom.js';

/** So long after the first press the second one counts, ms. */
const SURE_FOR = 4000;

/** @typedef {{text: string, label: string}} Words what stands on it, and its name for screen readers */

/**
 * @param {HTMLElement} button @param {{calm: Words, sure: Words}} words before and after the first press @param {() => void} act
 * @returns {() => void} takes the first press back
 */
export function twice(button, { calm, sure }, act) {
  let timer = 0;
  const say = (/** @type {Words} */ { text, label }) => {
    setText(button, text);
    setAttribute(button, 'aria-label', label);
  };
  const disarm = () => {
    clearTimeout(timer);
    timer = 0;
    delete button.dataset.sure;
    say(calm);
  };
  button.addEventListener('click', () => {
    const armed = timer !== 0;
    disarm();
    if (armed) return act();
    button.dataset.sure = 'asked';
    say(sure);
    // Safari gives a pressed button no focus, so that it loses none.
    timer = window.setTimeout(disarm, SURE_FOR);
  });
  button.addEventListener('blur', disarm);
  say(calm);
  return disarm;
}
