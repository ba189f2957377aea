// Line icons on a grid of 24, drawn for this UI.
import { html } from '../lib/html.js';

const PATHS = {
  attach: 'M20 11.5l-8 8a5 5 0 0 1-7-7l8.5-8.5a3.4 3.4 0 0 1 4.8 4.8L9.8 17.3a1.7 1.7 0 0 1-2.4-2.4l7.4-7.4',
  arrowDown: 'M12 5v14M6 13l6 6 6-6',
  brain: 'M9.5 4a3 3 0 0 0-3 3A3.2 3.2 0 0 0 4 10.2c0 1.2.6 2 1.3 2.6A3 3 0 0 0 6.5 18a3 3 0 0 0 5.5 1V6a2.4 2.4 0 0 0-2.5-2zM14.500 4a3 3 0 0 1 3 3A3.200 3.200 0 0 1 20 10.200c0 1.200-.6 2-1.300 2.600A3 3 0 0 1 17.500 18a3 3 0 0 1-5.500 1',
  chart: 'M4 20V4M4 20h16M8 16v-4M12 16V8M16 16v-6',
  chat: 'M5 5h14a1.500 1.500 0 0 1 1.500 1.500v9A1.500 1.500 0 0 1 19 17h-7l-5 4v-4H5a1.500 1.500 0 0 1-1.500-1.500v-9A1.500 1.500 0 0 1 5 5z',
  check: 'M5 13l4.500 4.500L19 7',
  chevronDown: 'M6 9l6 6 6-6',
  chevronLeft: 'M15 6l-6 6 6 6',
  chevronRight: 'M9 6l6 6-6 6',
  code: 'M8 7l-5 5 5 5M16 7l5 5-5 5M13.500 5l-3 14',
  columns: 'M4 5h16v14H4zM12 5v14',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  cube: 'M12 3l8 4.500v9L12 21l-8-4.500v-9zM4 7.500l8 4.500 8-4.500M12 12v9',
  download: 'M12 4v11M7 11l5 5 5-5M4 20h16',
  edit: 'M4 20l1-4.500L16.500 4 20 7.500 8.500 19zM14 6.500L17.500 10',
  file: 'M6 3h8l4 4v14H6zM14 3v4h4',
  folder: 'M3.500 6.500h6l2 2.500h9v10h-17z',
  gauge: 'M4 17a8 8 0 1 1 16 0M12 17l4-5',
  globe: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM3 12h18M12 3c5 6 5 12 0 18M12 3c-5 6-5 12 0 18',
  help: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM9.500 9.500a2.500 2.500 0 1 1 3.500 2.300c-.7.4-1 .9-1 1.700M12 16.800v.2',
  image: 'M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.500 9.200v.1',
  key: 'M14.500 9.500a4.500 4.500 0 1 0-4 4.470L12 15.500h2V18h2.500v2.500H20V17l-5.900-5.900c.3-.5.4-1 .4-1.600zM9 8.500v.1',
  menu: 'M4 7h16M4 12h16M4 17h16',
  moon: 'M20 14.500A8.500 8.500 0 0 1 9.500 4 8.500 8.500 0 1 0 20 14.500z',
  more: 'M6 12v.1M12 12v.1M18 12v.1',
  pin: 'M9 4h6l-1 6 3 3v2H7v-2l3-3zM12 15v6',
  play: 'M7 5l12 7-12 7z',
  plus: 'M12 5v14M5 12h14',
  refresh: 'M20 5v5h-5M4 19v-5h5M5.500 9a7 7 0 0 1 12-2.500L20 10M18.500 15a7 7 0 0 1-12 2.500L4 14',
  search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l4.500 4.500',
  send: 'M12 20V5M6 11l6-6 6 6',
  settings: 'M4 7h10M18 7h2M4 17h2M10 17h10M16 5v4M8 15v4',
  sliders: 'M6 4v8M6 16v4M12 4v2M12 10v10M18 4v10M18 18v2M4 14h4M10 8h4M16 16h4',
  stop: 'M7 7h10v10H7z',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.400 1.400M17.600 17.600L19 19M19 5l-1.400 1.400M6.400 17.600L5 19',
  tool: 'M14.500 6.500a4 4 0 0 1 5-1l-2.500 2.500 1 2 2 1 2-2.200a4 4 0 0 1-5.500 4.200L9 20.500 5.500 17l7.500-7.500a4 4 0 0 1 1.500-3z',
  trash: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.500 11v5M13.500 11v5',
  tune: 'M4 18c4 0 4-12 8-12s4 8 8 8',
  upload: 'M12 16V5M7 9l5-5 5 5M4 20h16',
  warning: 'M12 4l9 16H3zM12 10v4.500M12 17.300v.1',
  x: 'M6 6l12 12M18 6L6 18',
};

// Decoration: what it means is said by the text or the label of what holds it.
export function Icon({ name, size = 18 }) {
  return html`<svg class="icon" viewBox="0 0 24 24" width=${size} height=${size} aria-hidden="true">
    <path d=${PATHS[name]} /></svg>`;
}

// A button that shows an icon alone; `label` is its name and its tooltip.
export function IconButton({ name, label, size, class: extra, ...rest }) {
  return html`<button type="button" class=${`icon-button ${extra ?? ''}`} aria-label=${label} title=${label} ...${rest}>
    <${Icon} name=${name} size=${size} /></button>`;
}
