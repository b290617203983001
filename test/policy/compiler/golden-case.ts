/** Reads `golden/<case>/in.yaml`, compiles it, and writes slices and findings the way they are committed. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Compilation, compile } from '../../../policy/compiler/compile.ts';
import type { PolicyState } from '../../../policy/compiler/compile-options.ts';
import type { Finding } from '../../../policy/errors.ts';
import type { LoadedResource } from '../../../policy/resources/resource.ts';
import type { AgentPolicy } from '../../../policy/resources/types.generated.ts';
import { loadYaml } from '../../../policy/source/load-yaml.ts';
import { applyDefaults } from '../../../policy/validation/apply-defaults.ts';
import { validateResource } from '../../../policy/validation/validate-resource.ts';

export const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A second revision of a policy: `shadow`, `partial` or `enforce`; the one without it is stable. */
const STAGE = 'test.aegis.dev/stage';
/** On a registration: tools for which a Permit has enforced before. */
const EVER = 'test.aegis.dev/ever-enforced';

export interface Compiled {
  compilation: Compilation;
  findings: Finding[];
}

/** Validates, sets defaults and compiles; invalid resources are left out, as everywhere. */
export function compileYaml(text: string, file = 'in.yaml'): Compiled {
  const { resources, findings } = loadYaml(text, file);
  const valid = resources.filter((resource) => {
    const problems = validateResource(resource);
    findings.push(...problems);
    return !problems.some(({ severity }) => severity === 'error');
  });
  const compilation = compileResources(
    valid.map((resource) => ({ ...resource, object: applyDefaults(resource.object) })),
  );
  return { compilation, findings: [...findings, ...compilation.findings] };
}

function compileResources(resources: readonly LoadedResource[]): Compilation {
  const annotation = ({ object }: LoadedResource, name: string): string | undefined =>
    object.metadata.annotations?.[name];
  const nameOf = ({ object }: LoadedResource): string =>
    `${object.kind} ${object.metadata.namespace}/${object.metadata.name}`;
  const staged = resources.filter((resource) => annotation(resource, STAGE) !== undefined);
  const stable = new Map(resources.filter((one) => !staged.includes(one)).map((one) => [nameOf(one), one]));
  const ever = new Set(
    resources.flatMap((one) =>
      (annotation(one, EVER) ?? '').split(' ').map((tool) => `${one.object.metadata.name}/${tool}`),
    ),
  );
  const newest = resources.filter(
    (one) => staged.includes(one) || !staged.some((next) => nameOf(next) === nameOf(one)),
  );
  const stateOf = (policy: LoadedResource<AgentPolicy>): PolicyState => {
    const stage = annotation(policy, STAGE) as 'shadow' | 'partial' | 'enforce' | undefined;
    if (stage === undefined) return { stable: policy };
    const before = stable.get(nameOf(policy)) as LoadedResource<AgentPolicy> | undefined;
    return { ...(before === undefined ? {} : { stable: before }), candidate: { policy, stage } };
  };
  return compile(newest, { digest, stateOf, everEnforced: (_, agent, tool) => ever.has(`${agent}/${tool}`) });
}

/** Pretty slices by agentId, without the request mapping, which has tests of its own. */
export function sliceTexts({ tenants }: Compilation): Map<string, string> {
  const texts = new Map<string, string>();
  for (const { agents } of tenants) {
    for (const [agentId, { bytes }] of agents) {
      const { contracts: _, ...slice } = JSON.parse(Buffer.from(bytes).toString('utf8')) as Record<string, unknown>;
      texts.set(agentId, `${JSON.stringify(slice, null, 2)}\n`);
    }
  }
  return texts;
}

export function findingsText({ compilation, findings }: Compiled): string {
  const lines = findings.map(({ severity, code, resource, field, location, message }) =>
    [`${location?.file}:${location?.line}`, severity, code, resource, field, message].join(' | '),
  );
  return `${[...lines, ...compilation.rejected.map((id) => `rejected: ${id}`)].join('\n')}\n`.trimStart();
}

/** Relative file name → content of what the case must give. */
export function outputs(folder: string): Map<string, string> {
  const compiled = compileYaml(readFileSync(join(folder, 'in.yaml'), 'utf8'));
  const files = new Map([['findings.txt', findingsText(compiled)]]);
  for (const [agentId, text] of sliceTexts(compiled.compilation)) files.set(`out/${agentId}.json`, text);
  return files;
}

export function committed(folder: string): Map<string, string> {
  const out = join(folder, 'out');
  const names = existsSync(out) ? readdirSync(out).map((name) => `out/${name}`) : [];
  const present = ['findings.txt', ...names].filter((name) => existsSync(join(folder, name)));
  return new Map(present.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

export function update(folder: string, files: ReadonlyMap<string, string>): void {
  rmSync(join(folder, 'out'), { recursive: true, force: true });
  mkdirSync(join(folder, 'out'), { recursive: true });
  for (const [name, text] of files) writeFileSync(join(folder, name), text);
}
