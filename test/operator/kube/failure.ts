import { KubeError } from '../../../operator/kube/kube-error.ts';

/** How the promise fails. @throws where it does not, or with anything but a KubeError */
export async function failure(promise: Promise<unknown>): Promise<KubeError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof KubeError)) throw new Error(`no KubeError: ${String(error)}`);
  return error;
}
