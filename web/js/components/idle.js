/** Marks an element as `[data-idle]` while nobody moves a pointer, presses or types. */

/** So long nothing must happen, ms. */
const STILL = 3000;

/** @param {HTMLElement} node */
export function markIdle(node) {
  let timer = 0;
  let place = '';
  const wake = () => {
    delete node.dataset.idle;
    clearTimeout(timer);
    timer = window.setTimeout(() => (node.dataset.idle = ''), STILL);
  };
  for (const sign of ['pointerdown', 'touchstart', 'touchmove', 'keydown']) addEventListener(sign, wake, { passive: true });
  addEventListener('pointermove', ({ screenX, screenY }) => {
    // Some browsers tell of a move when the cursor alone has gone.
    const now = `${screenX} ${screenY}`;
    if (now !== place) wake();
    place = now;
  });
  wake();
}
