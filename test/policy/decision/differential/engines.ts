/** The two engines that run `policy/rego/policy.rego`: WebAssembly in the gateway's evaluator, and a stock OPA. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEvaluator } from '../../../../gateway/evaluator/wasm-evaluator.ts';
import { canonicalJson } from '../../../../policy/bundle/canonical-json.ts';
import type { CompiledTenant } from '../../../../policy/compiler/compile.ts';
import type { PolicyResult } from '../../../../policy/decision/types.ts';

export const POLICY_REGO = join(process.cwd(), 'policy/rego/policy.rego');

let opa: string | undefined;

/** Path of the pinned opa binary, built on first use. */
export function opaPath(): string {
  opa ??= toolPath('opa');
  return opa;
}

export function toolPath(tool: string): string {
  const output = execFileSync(process.execPath, ['scripts/install-tools.ts', tool], { encoding: 'utf8' });
  return output.trim().split(' ').slice(1).join(' ');
}

/** The policy as a module, built once per text of the Rego file. */
export function policyModule(): WebAssembly.Module {
  const digest = createHash('sha256').update(readFileSync(POLICY_REGO)).digest('hex').slice(0, 16);
  const folder = join(tmpdir(), 'aegis-test-policy');
  const file = join(folder, `${digest}.wasm`);
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true });
    const work = mkdtempSync(join(folder, 'build-'));
    execFileSync(opaPath(), ['build', '-t', 'wasm', '-e', 'aegis/decision', '-o', join(work, 'b.tar.gz'), POLICY_REGO]);
    execFileSync('tar', ['-xzf', join(work, 'b.tar.gz'), '-C', work, '/policy.wasm']);
    renameSync(join(work, 'policy.wasm'), file);
    rmSync(work, { recursive: true });
  }
  return new WebAssembly.Module(readFileSync(file));
}

/** Canonical JSON of the `data.aegis` document of a tenant, every agent's slice in it. */
export function tenantData(tenant: CompiledTenant): string {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
  const agents = [...tenant.agents].map(([id, { bytes }]) => `${JSON.stringify(id)}:${text(bytes)}`);
  return `{"agents":{${agents.join(',')}},"tenant":${text(tenant.part.bytes)}}`;
}

/** Answers of the gateway's evaluator, one per input. */
export function wasmEngine(module: WebAssembly.Module, aegisData: string): (input: unknown) => PolicyResult {
  const evaluator = createEvaluator({ module, data: `{"aegis":${aegisData}}` });
  return (input) => evaluator.evaluate(canonicalJson(input)) as PolicyResult;
}

export interface Batch {
  /** `tenantData` of one tenant. */
  data: string;
  inputs: unknown[];
}

const BATCH_REGO = `package batch

results := [answers |
	some world in data.worlds
	answers := [answer |
		some call in world.inputs
		answer := data.aegis.decision with input as call with data.aegis.agents as world.aegis.agents
			with data.aegis.tenant as world.aegis.tenant
	]
]
`;

/** Answers of one \`opa eval\` process to all inputs of all batches. */
export function stockEngine(batches: readonly Batch[]): PolicyResult[][] {
  const work = mkdtempSync(join(tmpdir(), 'aegis-stock-'));
  try {
    const worlds = batches.map(({ data, inputs }) => `{"aegis":${data},"inputs":${canonicalJson(inputs)}}`);
    writeFileSync(join(work, 'data.json'), `{"worlds":[${worlds.join(',')}]}`);
    writeFileSync(join(work, 'batch.rego'), BATCH_REGO);
    const files = ['-d', join(work, 'data.json'), '-d', join(work, 'batch.rego'), '-d', POLICY_REGO];
    const args = ['eval', '--format', 'raw', ...files, 'data.batch.results'];
    const output = execFileSync(opaPath(), args, { encoding: 'utf8', maxBuffer: 2 ** 30 });
    return JSON.parse(output) as PolicyResult[][];
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
