/** Moving the rows of a list by their handles: with mouse and finger by dragging, with the keyboard by arrows. */

/**
 * @typedef {{drop: (id: string, before: string | null) => void, step: (id: string, step: -1 | 1) => void}} Moves
 *   `before`: the row that it comes before; null: it comes last
 */

/** @param {HTMLElement} list whose children have `data-key` @param {Moves} moves */
export function movableRows(list, moves) {
  let carried = /** @type {HTMLElement | null} */ (null);
  let before = /** @type {string | null | undefined} */ (undefined);

  /** @param {EventTarget | null} target @returns {HTMLElement | null} the row of a handle */
  const rowOf = (target) => (target instanceof Element ? target.closest('[data-handle]')?.closest('[data-key]') ?? null : null);

  const clear = () => {
    for (const row of list.children) row.removeAttribute('data-drop');
    carried?.removeAttribute('data-carried');
    carried = null;
    before = undefined;
  };

  list.addEventListener('pointerdown', (event) => {
    const row = rowOf(event.target);
    if (!row || event.button !== 0) return;
    carried = row;
    row.setAttribute('data-carried', '');
    /** @type {Element} */ (event.target).setPointerCapture(event.pointerId);
    event.preventDefault();
    /** @type {HTMLElement} */ (/** @type {Element} */ (event.target).closest('[data-handle]')).focus();
  });
  list.addEventListener('pointermove', (event) => {
    if (!carried) return;
    const rows = /** @type {HTMLElement[]} */ ([...list.children]);
    const target = rows.find((row) => event.clientY < row.getBoundingClientRect().top + row.offsetHeight / 2) ?? null;
    before = target?.dataset.key ?? null;
    for (const row of rows) row.toggleAttribute('data-drop', row === target);
    list.toggleAttribute('data-drop-last', target === null);
  });
  list.addEventListener('pointerup', () => {
    const id = carried?.dataset.key;
    if (id !== undefined && before !== undefined) moves.drop(id, before);
    list.removeAttribute('data-drop-last');
    clear();
  });
  list.addEventListener('pointercancel', clear);
  list.addEventListener('keydown', (event) => {
    const row = rowOf(event.target);
    const step = event.key === 'ArrowUp' ? -1 : event.key === 'ArrowDown' ? 1 : 0;
    if (!row?.dataset.key || step === 0) return;
    event.preventDefault();
    moves.step(row.dataset.key, step);
  });
}
