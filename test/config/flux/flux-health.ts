import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CelInput, celEnv, isCelError, parse, plan } from '@bufbuild/cel';
import { parseAllDocuments } from 'yaml';

export const FLUX = join(__dirname, '../../../config/flux');

export interface HealthCheckExpressions {
  apiVersion: string;
  kind: string;
  inProgress?: string;
  failed?: string;
  current: string;
}

export interface Document {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace: string };
  spec: {
    path: string;
    prune: boolean;
    wait?: boolean;
    timeout: string;
    sourceRef: { name: string };
    dependsOn?: { name: string }[];
    patches?: { patch: string; target: object }[];
    healthChecks?: { kind: string; name: string }[];
    healthCheckExprs?: HealthCheckExpressions[];
  };
}

export function documentsOf(file: string): Document[] {
  return parseAllDocuments(readFileSync(join(FLUX, file), 'utf8')).map((each) => each.toJS() as Document);
}

const environment = celEnv();

/**
 * What Flux makes of an object with these expressions: the generation first, then inProgress, failed, current, in this
 * order. An expression that cannot be evaluated leaves it waiting until the timeout.
 */
export function fluxHealth(
  expressions: HealthCheckExpressions,
  object: object,
): 'InProgress' | 'Failed' | 'Current' | 'Error' {
  const { metadata, status } = object as {
    metadata?: { generation?: number };
    status?: { observedGeneration?: number };
  };
  if (status?.observedGeneration !== undefined && status.observedGeneration !== metadata?.generation) {
    return 'InProgress';
  }
  const variables = Object.fromEntries(Object.entries(object).map(([name, value]) => [name, toCel(value)]));
  for (const [name, verdict] of [
    ['inProgress', 'InProgress'],
    ['failed', 'Failed'],
    ['current', 'Current'],
  ] as const) {
    const text = expressions[name];
    if (text === undefined) continue;
    const answer = evaluate(text, variables);
    if (typeof answer !== 'boolean') return 'Error';
    if (answer) return verdict;
  }
  return 'InProgress';
}

function evaluate(text: string, variables: Record<string, CelInput>): unknown {
  try {
    const answer = plan(environment, parse(text))(variables);
    return isCelError(answer) ? undefined : answer;
  } catch {
    return undefined;
  }
}

function toCel(value: unknown): CelInput {
  if (Array.isArray(value)) return value.map(toCel);
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  if (typeof value !== 'object' || value === null) return value as CelInput;
  return new Map(Object.entries(value).map(([name, each]) => [name, toCel(each)]));
}
