// Calls at most once in a time, the first time at once.
export function throttled(milliseconds: number, call: () => void): () => void {
  let next = 0;
  return () => {
    const now = performance.now();
    if (now < next) return;
    next = now + milliseconds;
    call();
  };
}
