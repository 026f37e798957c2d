/** What holds for every page's HTML: the CSP, the preloads, the skip link, the landmarks. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const WEB = fileURLToPath(new URL('../../web/', import.meta.url));
const PAGES = ['index', 'watch', 'speak', 'produce', 'screen'];
const html = (page) => readFileSync(`${WEB}${page}.html`, 'utf8');
const script = (file) => readFileSync(path.join(WEB, file), 'utf8');
const all = (text, pattern) => [...text.matchAll(pattern)].map((match) => match[1]);

/** Every module that a page loads, by following its imports. */
function modules(file, seen = new Set()) {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const to of all(script(file), /^import (?:[^;]*? from )?'([^']+)'/gm)) modules(path.posix.join(path.posix.dirname(file), to), seen);
  return seen;
}

for (const page of PAGES) {
  test(`${page}: every module is preloaded, so that none waits for another`, () => {
    const entry = `/js/pages/${page}.js`;
    const preloaded = all(html(page), /rel="modulepreload" href="([^"]+)"/g);
    assert.deepEqual(preloaded.sort(), [...modules(entry)].filter((file) => file !== entry).sort());
  });

  test(`${page}: nothing inline that the content security policy would refuse`, () => {
    assert.doesNotMatch(html(page), /\sstyle=|<style|\son\w+=|<script(?![^>]*src=)/);
  });

  test(`${page}: a skip link leads to something that exists, and the page names its language`, () => {
    const [target] = all(html(page), /class="skip" href="#([^"]+)"/g);
    assert.ok(html(page).includes(`id="${target}"`));
    assert.match(html(page), /<html lang="en">/);
    assert.match(html(page), /<main id="main"/);
  });

  test(`${page}: the ids that its scripts need are there`, () => {
    const own = [...modules(`/js/pages/${page}.js`)].filter((file) => file.startsWith('/js/pages/'));
    const needed = own.flatMap((file) => all(script(file), /(?:byId|need)\('([^']+)'/g));
    for (const id of new Set(needed)) assert.ok(html(page).includes(`id="${id}"`), `${page}.html lacks #${id}`);
  });
}

test('one file opens sockets, one opens peer connections, and none writes HTML', () => {
  const files = new Set(PAGES.flatMap((page) => [...modules(`/js/pages/${page}.js`)]));
  for (const file of files) {
    const text = script(file);
    if (file !== '/js/control.js') assert.doesNotMatch(text, /new WebSocket\b/, file);
    if (file !== '/js/peering.js') assert.doesNotMatch(text, /new RTCPeerConnection\b/, file);
    assert.doesNotMatch(text, /\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write)\b/, file);
  }
});
