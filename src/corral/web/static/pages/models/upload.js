// A file to the server, which hashes it while it receives.
import { ApiError, apiKey } from '../../lib/api.js';

// `onProgress(bytes)` is called as it goes; aborting `signal` leaves nothing behind on the server. The answer is
// { digest, size }. fetch() cannot tell how much it has sent, so this is the older way.
export function upload(file, { onProgress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', '/api/blobs');
    if (apiKey.value) request.setRequestHeader('authorization', `Bearer ${apiKey.value}`);
    request.setRequestHeader('content-type', 'application/octet-stream');
    request.upload.onprogress = (event) => onProgress(event.loaded);
    request.onload = () => {
      const answer = decoded(request.responseText);
      if (request.status === 201) resolve(answer);
      else reject(new ApiError(answer?.error ?? `${request.status} ${request.statusText}`, { status: request.status }));
    };
    request.onerror = () => reject(new ApiError('the connection was lost'));
    request.onabort = () => reject(new DOMException('aborted', 'AbortError'));
    signal.addEventListener('abort', () => request.abort(), { once: true });
    request.send(file);
  });
}

function decoded(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
