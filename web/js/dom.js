/** Small helpers for the DOM. Text goes in by `textContent` only, and updates are idempotent. */

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag @param {Record<string, string | boolean | null>} [attributes] `class`, `data-*`, `aria-*`, ...
 * @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(node, name, value);
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** @param {string} id @returns {HTMLElement} an element that the page must have */
export function byId(id) {
  const node = document.getElementById(id);
  if (!node) throw new Error(`the page lacks #${id}`);
  return node;
}

/** @template {HTMLElement} T @param {string} id @param {new () => T} kind @returns {T} */
export function need(id, kind) {
  const node = byId(id);
  if (!(node instanceof kind)) throw new Error(`#${id} is not a ${kind.name}`);
  return node;
}

/** Writes only what changed, so that live regions stay quiet. @param {Node} node @param {string} text */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** @param {Element} node @param {string} name @param {string | boolean | null} value false and null remove it */
export function setAttribute(node, name, value) {
  const text = value === true ? '' : value;
  if (text === false || text === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== text) node.setAttribute(name, text);
}

/** @param {HTMLElement} node @param {boolean} shown */
export function show(node, shown) {
  if (node.hidden === shown) node.hidden = !shown;
}

/**
 * Makes the children of `list` follow `items`: known keys are updated in place, so that focus and media stay.
 * Keys that occur twice are told apart by their order. What has the focus keeps it, although it moves.
 *
 * @template T @template {HTMLElement} E
 * @param {HTMLElement} list @param {T[]} items @param {(item: T) => string} keyOf
 * @param {(item: T) => E} create @param {(node: E, item: T) => void} update @param {(node: E) => void} [remove]
 */
export function keyed(list, items, keyOf, create, update, remove) {
  const focused = /** @type {HTMLElement | null} */ (document.activeElement);
  const known = new Map([...list.children].map((child) => [/** @type {HTMLElement} */ (child).dataset.key, /** @type {E} */ (child)]));
  const counts = /** @type {Map<string, number>} */ (new Map());
  let place = list.firstElementChild;
  for (const item of items) {
    const plain = keyOf(item);
    const count = (counts.get(plain) ?? 0) + 1;
    counts.set(plain, count);
    const key = count === 1 ? plain : `${plain} #${count}`;
    const old = known.get(key);
    known.delete(key);
    const node = old ?? create(item);
    node.dataset.key = key;
    if (node === place) place = place.nextElementSibling;
    else list.insertBefore(node, place);
    update(node, item);
  }
  for (const gone of known.values()) {
    remove?.(gone);
    gone.remove();
  }
  if (focused && focused !== document.activeElement && list.contains(focused)) focused.focus({ preventScroll: true });
}

/** Says something to screen readers once. @param {string} text */
export function announce(text) {
  const region = document.getElementById('announce');
  if (region) setText(region, text);
}

/** @param {string} name @returns {string} up to two letters, for a face without a picture */
export function initials(name) {
  const words = name.trim().split(/\s+/);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : [words[0]];
  return letters.map((word) => [...word][0] ?? '').join('').toUpperCase();
}

/**
 * A dialog with a form in it: `<dialog id="x">` with `x-form` and `x-close`.
 *
 * @param {string} id @param {() => void} act when the form is sent @returns {HTMLDialogElement}
 */
export function formDialog(id, act) {
  const dialog = need(id, HTMLDialogElement);
  byId(`${id}-close`).addEventListener('click', () => dialog.close());
  byId(`${id}-form`).addEventListener('submit', (event) => {
    event.preventDefault();
    act();
  });
  return dialog;
}
