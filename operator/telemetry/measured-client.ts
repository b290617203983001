import { KubeError } from '../kube/kube-error.ts';
import type { KubeClient } from '../kube/types.ts';
import type { RequestFacts } from './metrics/kube-metrics.ts';

/** Told every call that has ended. */
export interface RequestObserver {
  requested(facts: RequestFacts): void;
}

/**
 * The same client, whose calls are counted: one per call, however many pages or attempts it took. A watch counts when it
 * ends.
 */
export function measuredClient(
  client: KubeClient,
  observer: RequestObserver,
  clock: { monotonic(): number },
): KubeClient {
  async function measure<T>(
    verb: string,
    call: () => Promise<T>,
    code: (result: T) => RequestFacts['code'],
  ): Promise<T> {
    const began = clock.monotonic();
    const tell = (result: RequestFacts['code']): void =>
      observer.requested({ verb, code: result, ms: clock.monotonic() - began });
    try {
      const result = await call();
      tell(code(result));
      return result;
    } catch (error) {
      tell(codeOf(error));
      throw error;
    }
  }
  const success = (): RequestFacts['code'] => '2xx';

  return {
    get: (...args) =>
      measure(
        'get',
        () => client.get(...args),
        (found) => (found === undefined ? 404 : '2xx'),
      ),
    list: (...args) => measure('list', () => client.list(...args), success),
    create: (...args) => measure('create', () => client.create(...args), success),
    replace: (...args) => measure('update', () => client.replace(...args), success),
    apply: (...args) => measure('patch', () => client.apply(...args), success),
    jsonPatch: (...args) => measure('patch', () => client.jsonPatch(...args), success),
    delete: (...args) => measure('delete', () => client.delete(...args), success),
    post: (...args) => measure('create', () => client.post(...args), success),
    async *watch(type, selection, signal) {
      const began = clock.monotonic();
      let code: RequestFacts['code'] = '2xx';
      try {
        yield* client.watch(type, selection, signal);
      } catch (error) {
        code = codeOf(error);
        throw error;
      } finally {
        observer.requested({ verb: 'watch', code, ms: clock.monotonic() - began });
      }
    },
    close: () => client.close(),
  };
}

function codeOf(error: unknown): RequestFacts['code'] {
  return error instanceof KubeError ? error.status : 0;
}
