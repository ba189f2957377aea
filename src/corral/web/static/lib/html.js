// What a component needs, in one import.
import { h } from '../vendor/preact.js';
import { useState } from '../vendor/hooks.js';
import htm from '../vendor/htm.js';

export { Fragment, createContext, createRef, h, render } from '../vendor/preact.js';
export {
  useCallback, useContext, useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState,
} from '../vendor/hooks.js';
export { batch, computed, effect, signal, untracked, useComputed, useSignal, useSignalEffect } from '../vendor/signals.js';
export const html = htm.bind(h);

// A name for an element that others refer to. Preact's own repeat in trees beside each other, as open dialogs are.
let count = 0;
export const useId = () => useState(() => `id-${++count}`)[0];

// Class names from words, and from objects whose values say whether the word counts.
export function cls(...parts) {
  const words = parts.flatMap((part) =>
    part && typeof part === 'object' ? Object.keys(part).filter((word) => part[word]) : [part]);
  return words.filter(Boolean).join(' ');
}
