/** web/js/dom.js: lists that follow their items. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyed } from '../../web/js/dom.js';

globalThis.document = { activeElement: null };

/** As much of a list element as `keyed` uses. */
class List {
  children = [];
  get firstElementChild() {
    return this.children[0] ?? null;
  }
  insertBefore(node, place) {
    node.list?.drop(node);
    if (document.activeElement === node) document.activeElement = null; // as browsers do with what moves
    this.children.splice(place ? this.children.indexOf(place) : this.children.length, 0, node);
    node.list = this;
  }
  contains(node) {
    return this.children.includes(node);
  }
  drop(node) {
    this.children = this.children.filter((child) => child !== node);
  }
}

class Item {
  dataset = {};
  text = '';
  get nextElementSibling() {
    return this.list.children[this.list.children.indexOf(this) + 1] ?? null;
  }
  remove() {
    this.list.drop(this);
  }
  focus() {
    document.activeElement = this;
  }
}

const fill = (list, names) => keyed(list, names, (name) => name, () => new Item(), (node, name) => void (node.text = name));
const texts = (list) => list.children.map((child) => child.text);

test('known items stay the same nodes, new ones come, old ones go, in the order asked for', () => {
  const list = new List();
  fill(list, ['a', 'b', 'c']);
  const [a, , c] = list.children;
  fill(list, ['c', 'd', 'a']);
  assert.deepEqual(texts(list), ['c', 'd', 'a']);
  assert.equal(list.children[0], c);
  assert.equal(list.children[2], a);
});

test('what has the focus keeps it while the list moves it, and nobody is given it who had it not', () => {
  const list = new List();
  fill(list, ['a', 'b', 'c']);
  const [, b] = list.children;
  b.focus();
  fill(list, ['b', 'a', 'c']);
  assert.equal(document.activeElement, b);
  document.activeElement = null;
  fill(list, ['a', 'b', 'c']);
  assert.equal(document.activeElement, null);
});

test('items that share a key never make the list grow', () => {
  const list = new List();
  for (let round = 0; round < 20; round += 1) fill(list, ['', 'a', '', '']);
  assert.deepEqual(texts(list), ['', 'a', '', '']);
  fill(list, ['a']);
  assert.deepEqual(texts(list), ['a']);
});
