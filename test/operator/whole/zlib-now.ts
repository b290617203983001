type Done = (error: unknown, result?: Buffer) => void;
type Work = (data: Uint8Array, options: object) => Buffer;

/** In the thread pool, who is first is chance; so that it is the seed, it is done at once. In place of those of `node:zlib`. */
export function zlibNow(actual: { deflateSync: Work; inflateSync: Work }) {
  const now = (work: Work) => (data: Uint8Array, options: object, done: Done) => {
    let result: Buffer;
    try {
      result = work(data, options);
    } catch (error) {
      done(error);
      return;
    }
    done(undefined, result);
  };
  return { deflate: now(actual.deflateSync), inflate: now(actual.inflateSync) };
}
