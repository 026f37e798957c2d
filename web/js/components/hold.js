/** A button that acts while it is held: with the mouse, a finger, or Enter. Whatever takes the hold away ends it. */

/** @param {HTMLElement} button @param {(held: boolean) => void} tell called at each change */
export function holdable(button, tell) {
  let held = false;
  /** @param {boolean} now */
  const set = (now) => {
    if (now === held) return;
    held = now;
    tell(held);
  };
  button.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    button.setPointerCapture(event.pointerId);
    set(true);
  });
  for (const end of ['pointerup', 'pointercancel', 'lostpointercapture', 'blur']) button.addEventListener(end, () => set(false));
  button.addEventListener('contextmenu', (event) => event.preventDefault());
  button.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') set(true);
  });
  button.addEventListener('keyup', (event) => {
    if (event.key === 'Enter') set(false);
  });
}
