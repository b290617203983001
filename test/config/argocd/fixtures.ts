import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

export const KINDS = ['AgentPolicy', 'AgentRegistration', 'AgentTool', 'AgentTenant'] as const;
export type HealthKind = (typeof KINDS)[number];

export const ARGOCD = join(__dirname, '../../../config/argocd');

export interface Fixture {
  kind: HealthKind;
  /** Relative to the kind's folder. */
  path: string;
  object: Record<string, unknown> & { metadata: { generation: number }; status?: unknown };
  expected: { status: string; message: string };
}

export function folderOf(kind: HealthKind): string {
  return join(ARGOCD, 'resource_customizations', 'aegis.dev', kind);
}

export function scriptOf(kind: HealthKind): string {
  return join(folderOf(kind), 'health.lua');
}

/** The cases of `health_test.yaml` with their objects. */
export function fixturesOf(kind: HealthKind): Fixture[] {
  const { tests } = parse(readFileSync(join(folderOf(kind), 'health_test.yaml'), 'utf8')) as {
    tests: { inputPath: string; healthStatus: Fixture['expected'] }[];
  };
  return tests.map(({ inputPath, healthStatus }) => ({
    kind,
    path: inputPath,
    object: parse(readFileSync(join(folderOf(kind), inputPath), 'utf8')),
    expected: healthStatus,
  }));
}

export function filesOf(kind: HealthKind): string[] {
  return readdirSync(join(folderOf(kind), 'testdata')).map((file) => `testdata/${file}`);
}
