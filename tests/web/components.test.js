/** web/js/components in as much of a browser as they need. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Element, install, pass } from './browser.js';

install();
const { twice } = await import('../../web/js/components/twice.js');

test('a button that is pressed twice acts; one press alone is forgotten', () => {
  const button = new Element();
  let acts = 0;
  const disarm = twice(button, { calm: { text: 'Remove', label: 'Remove it' }, sure: { text: 'Really?', label: 'Really remove it?' } }, () => (acts += 1));
  const forget = [() => pass(4000), () => button.happens('blur'), disarm];
  for (const how of forget) {
    button.happens('click');
    assert.deepEqual([button.textContent, button.getAttribute('aria-label')], ['Really?', 'Really remove it?']);
    how();
    assert.deepEqual([button.textContent, button.getAttribute('aria-label'), button.dataset.sure], ['Remove', 'Remove it', undefined]);
  }
  button.happens('click');
  pass(3900);
  button.happens('click');
  assert.deepEqual([acts, button.textContent], [1, 'Remove']);
});
