/** The tally: the light that says you are on air. On the banner, on the page's edge, in the title and in the tab's icon. */

import { byId, setText } from '../dom.js';

/** @typedef {'air' | 'standby' | 'off'} Light */

/** @type {Record<Light, {word: string, title: string, colour: string}>} */
const LIGHTS = {
  air: { word: 'ON AIR', title: '\u25CF ON AIR', colour: 'e5484d' },
  standby: { word: 'STANDBY', title: '\u25D0 Standby', colour: 'f2b84b' },
  off: { word: 'Green room', title: '', colour: '19c3a6' },
};

/** @param {Light} light @param {string} page the page's own title @param {string} [offWord] what the banner says when off */
export function setTally(light, page, offWord) {
  const { word, title, colour } = LIGHTS[light];
  document.body.dataset.tally = light;
  setText(byId('tally-word'), light === 'off' && offWord ? offWord : word);
  const whole = title ? `${title} \u2013 ${page}` : page;
  if (document.title !== whole) document.title = whole;
  const icon = document.querySelector('link[rel="icon"]');
  const shape = light === 'off' ? 'M18 3 2 13v3h32v-3zM5 18h4v11H5zm11 0h4v11h-4zm11 0h4v11h-4zM2 30h32v3H2z' : 'M18 2a16 16 0 1 0 .01 0z';
  const href = `data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 36 36'%3E%3Cpath fill='%23${colour}' d='${shape}'/%3E%3C/svg%3E`;
  if (icon && icon.getAttribute('href') !== href) icon.setAttribute('href', href);
}
