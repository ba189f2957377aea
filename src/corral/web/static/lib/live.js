// What is asked again and again, or stays open: only while the page is seen, and again after a failure.
import { ApiError, send, textLines } from './api.js';
import { useEffect, useRef } from './html.js';

const RETRY_MS = 1500;

// Calls `start()` whenever the page comes into view, and what it returned when it leaves; `deps` as in useEffect.
function useWhileVisible(start, deps) {
  useEffect(() => {
    let stop = null;
    const look = () => {
      const visible = document.visibilityState === 'visible';
      if (visible && !stop) stop = start();
      else if (!visible && stop) stop = void stop();
    };
    document.addEventListener('visibilitychange', look);
    look();
    return () => {
      document.removeEventListener('visibilitychange', look);
      stop?.();
    };
  }, deps);
}

// Runs the async `ask` now and then every `ms`. A failure is passed to `failed`, and asked again.
export function usePolling(ask, ms, { deps = [], failed = () => {} } = {}) {
  const latest = useRef(ask);
  latest.current = ask;
  useWhileVisible(() => {
    const life = new AbortController();
    poll(latest, ms, failed, life.signal);
    return () => life.abort();
  }, [ms, ...deps]);
}

async function poll(latest, ms, failed, signal) {
  while (!signal.aborted) {
    try {
      await latest.current(signal);
    } catch (error) {
      if (!signal.aborted) failed(error);
    }
    await pause(ms, signal);
  }
}

// Reads the NDJSON of `path()` as it is written and hands on lists of records. `null` for a path: nothing is read.
export function useFollowed(path, onRecords, { deps = [], failed = () => {} } = {}) {
  const latest = useRef({});
  latest.current = { path, onRecords, failed };
  useWhileVisible(() => {
    const life = new AbortController();
    follow(latest, life.signal);
    return () => life.abort();
  }, deps);
}

async function follow(latest, signal) {
  while (!signal.aborted) {
    const path = latest.current.path();
    if (path === null) return;
    try {
      const answer = await send('GET', path, undefined, { signal, quiet: true });
      for await (const lines of textLines(answer)) {
        latest.current.onRecords(lines.filter(Boolean).map((line) => JSON.parse(line)));
      }
    } catch (error) {
      if (signal.aborted) return;
      latest.current.failed(error);
      // Who may not read will not be allowed to a second later.
      if (error instanceof ApiError && [401, 403, 404].includes(error.status)) return;
    }
    await pause(RETRY_MS, signal);
  }
}

const pause = (ms, signal) => new Promise((resolve) => {
  const timer = setTimeout(resolve, ms);
  signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
});
