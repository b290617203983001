import { GUARD_PROBLEMS, type GuardProblem, type PodStamp } from './pod-contract.ts';

/** A stamp has a few hundred characters; nobody has to parse more. */
const MAX_STAMP = 8192;
const FIELDS = [
  'version',
  'registration',
  'agent',
  'tenant',
  'template',
  'capture',
  'egressGuard',
  'guarded',
  'problems',
];
const NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/**
 * The annotation `aegis.dev/status` of a pod; undefined where it is not exactly what the operator writes. For status and
 * diagnosis only: where neither the webhooks nor the admission policies apply (namespaces without the label), whoever
 * may create pods may also write this.
 */
export function readStamp(text: string | undefined): PodStamp | undefined {
  if (text === undefined || text.length > MAX_STAMP) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isStamp(value) ? value : undefined;
}

function isStamp(value: unknown): value is PodStamp {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const stamp = value as Record<string, unknown>;
  if (!Object.keys(stamp).every((field) => FIELDS.includes(field))) return false;
  return (
    stamp.version === 1 &&
    [stamp.registration, stamp.agent, stamp.tenant].every((name) => typeof name === 'string' && NAME.test(name)) &&
    typeof stamp.template === 'string' &&
    DIGEST.test(stamp.template) &&
    hasModes(stamp)
  );
}

/** A pod without the init container has no guard, and one with a problem is not guarded. */
function hasModes({ capture, egressGuard, guarded, problems }: Record<string, unknown>): boolean {
  if (capture !== 'Transparent' && capture !== 'Explicit') return false;
  if (egressGuard !== 'Off' && egressGuard !== 'Observe' && egressGuard !== 'Enforce') return false;
  if (typeof guarded !== 'boolean' || (problems !== undefined && !isProblems(problems))) return false;
  return !guarded || (capture === 'Transparent' && (problems === undefined || (problems as unknown[]).length === 0));
}

function isProblems(value: unknown): value is GuardProblem[] {
  return (
    Array.isArray(value) &&
    value.every((each) => typeof each === 'string' && Object.hasOwn(GUARD_PROBLEMS, each)) &&
    new Set(value).size === value.length
  );
}
