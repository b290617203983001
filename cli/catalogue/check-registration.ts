/** A registration that is about to be written, held against what lint would say of it. */
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import { AegisError, type Finding } from '../../policy/errors.ts';
import type { Source } from '../../policy/source/load-sources.ts';
import { loadSources } from '../../policy/source/load-sources.ts';
import { validateResource } from '../../policy/validation/validate-resource.ts';
import { lintSources } from '../workspace/lint-sources.ts';

/** Options by the fields that they fill. */
const OPTIONS: readonly [prefix: string, option: string][] = [
  ['metadata.namespace', '--namespace'],
  ['metadata', '--agent'],
  ['spec.owner', '--owner'],
  ['spec.workload.selector', '--selector'],
  ['spec.workload.serviceAccountName', '--service-account'],
  ['spec.tools', '--tools'],
  ['spec.purpose', '--purpose'],
  ['spec.delegation.acceptsFrom', '--accepts-from'],
  ['spec.delegation.maxDepth', '--max-depth'],
  ['spec.budget', '--budget'],
  ['spec.reviewBy', '--review-by'],
];

/**
 * Throws for what is wrong with the registration itself; gives what is wrong with its names among `policies`, which
 * may also be cured by a tool that is added later.
 * @throws AegisError AEGIS_ANSWER_INVALID
 */
export function checkRegistration(
  registration: Source,
  policies: readonly Source[] | undefined,
  crypto: CryptoProvider,
): Finding[] {
  const { resources, findings } = loadSources([registration]);
  const own = [...findings, ...resources.flatMap((resource) => validateResource(resource))];
  const error = own.find(({ severity }) => severity === 'error');
  if (error !== undefined) {
    const option = OPTIONS.find(([prefix]) => error.field?.startsWith(prefix))?.[1];
    throw new AegisError('AEGIS_ANSWER_INVALID', `${option === undefined ? '' : `${option}: `}${error.message}.`);
  }
  if (policies === undefined) return [];
  const others = policies.filter(({ file }) => file !== registration.file);
  return lintSources([...others, registration], crypto).findings.filter(
    ({ location, severity }) => location?.file === registration.file && severity !== 'info',
  );
}
