/** (P) The desk's keys: which press means what. */

/** @typedef {{key: string, ctrlKey?: boolean, metaKey?: boolean, altKey?: boolean, shiftKey?: boolean, repeat?: boolean}} Press */

/**
 * What the desk can be told to do. `talk` counts the rundown from 0.
 *
 * @typedef {{do: 'take' | 'next' | 'clear' | 'slate' | 'listen' | 'help' | 'note' | 'mute'} | {do: 'cue', talk: number}
 *   | {do: 'transition', value: 'cut' | 'dissolve'} | {do: 'layout', value: 'full' | 'pip' | 'side' | 'grid'}
 *   | {do: 'extend', minutes: number} | {do: 'talkback', to: 'one' | 'all'}} Act
 */

/** @type {Record<string, Act>} */
const KEYS = {
  ' ': { do: 'take' },
  n: { do: 'next' },
  x: { do: 'clear' },
  c: { do: 'transition', value: 'cut' },
  d: { do: 'transition', value: 'dissolve' },
  f: { do: 'layout', value: 'full' },
  p: { do: 'layout', value: 'pip' },
  s: { do: 'layout', value: 'side' },
  g: { do: 'layout', value: 'grid' },
  B: { do: 'slate' },
  l: { do: 'listen' },
  m: { do: 'note' },
  u: { do: 'mute' },
  t: { do: 'talkback', to: 'one' },
  T: { do: 'talkback', to: 'all' },
  '+': { do: 'extend', minutes: 1 },
  '-': { do: 'extend', minutes: -1 },
  '*': { do: 'extend', minutes: 5 },
  '?': { do: 'help' },
};

/**
 * @param {Press} press
 * @returns {Act | null} null where the key means nothing here
 */
export function actOf({ key, ctrlKey, metaKey, altKey, shiftKey }) {
  if (ctrlKey || metaKey || altKey) return null;
  if (/^[1-9]$/.test(key)) return { do: 'cue', talk: Number(key) - 1 };
  // Caps Lock must not put the slate on air: Shift alone makes a letter large.
  return KEYS[/^[a-z]$/i.test(key) ? (shiftKey ? key.toUpperCase() : key.toLowerCase()) : key] ?? null;
}
