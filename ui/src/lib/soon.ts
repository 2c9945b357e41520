// Puts a call off a little, so that many within a short time become one. Unlike `debounce` it does not wait for silence.
export function soon(ms: number, run: () => void): () => void {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    setTimeout(() => {
      waiting = false;
      run();
    }, ms);
  };
}
