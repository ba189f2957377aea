// The words of the UI: one file a language in locales/.
import { signal } from './html.js';

export const LANGUAGES = { en: 'English', zh: '中文' };
export const language = signal('en');

let texts = {};
let plurals = new Intl.PluralRules('en');

// `wanted` is a language of LANGUAGES, or 'auto' for the browser's.
export async function setLanguage(wanted) {
  const code = wanted in LANGUAGES ? wanted : browserLanguage();
  texts = await load(code);
  plurals = new Intl.PluralRules(code);
  document.documentElement.lang = code === 'zh' ? 'zh-Hans' : code;
  language.value = code;
}

function browserLanguage() {
  const codes = navigator.languages.map((tag) => tag.toLowerCase().split('-')[0]);
  return codes.find((code) => code in LANGUAGES) ?? 'en';
}

async function load(code) {
  const answer = await fetch(new URL(`../locales/${code}.json`, import.meta.url));
  return answer.ok ? answer.json() : {};
}

// The text of `key`; where `n` is among the arguments, `key.one` and `key.other` may tell one from many.
export function t(key, args) {
  void language.value; // whoever shows a text is drawn again in another language
  let text = texts[key];
  if (args?.n !== undefined && text === undefined) text = texts[`${key}.${plurals.select(args.n)}`] ?? texts[`${key}.other`];
  if (text === undefined) return key;
  return args ? text.replace(/\{(\w+)\}/g, (whole, name) => args[name] ?? whole) : text;
}

export const formatNumber = (value, options) => new Intl.NumberFormat(language.value, options).format(value);

export function formatBytes(bytes) {
  if (!bytes) return '0 B';
  const unit = Math.max(0, Math.min(Math.floor(Math.log10(bytes) / 3), 4));
  const value = bytes / 1000 ** unit;
  return `${formatNumber(value, { maximumFractionDigits: value < 10 && unit ? 1 : 0 })} ${['B', 'kB', 'MB', 'GB', 'TB'][unit]}`;
}

export function formatSeconds(seconds) {
  if (seconds < 60) return `${formatNumber(seconds, { maximumFractionDigits: seconds < 10 ? 1 : 0 })} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

const STEPS = [['year', 31536000], ['month', 2592000], ['week', 604800], ['day', 86400], ['hour', 3600], ['minute', 60]];

// How long ago, or in how long, in words; `when` is a Date, a text of one, or milliseconds.
export function formatAgo(when) {
  const seconds = (new Date(when) - Date.now()) / 1000;
  const relative = new Intl.RelativeTimeFormat(language.value, { numeric: 'auto', style: 'short' });
  const [unit, size] = STEPS.find(([, size]) => Math.abs(seconds) >= size) ?? ['second', 1];
  return relative.format(Math.round(seconds / size), unit);
}
