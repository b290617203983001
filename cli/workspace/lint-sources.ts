/** Everything that is wrong with sources, sorted by place: as single resources, as test suites, and taken together. */
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import { toHex } from '../../policy/bundle/encoding.ts';
import { compile } from '../../policy/compiler/compile.ts';
import type { Finding } from '../../policy/errors.ts';
import type { Source } from '../../policy/source/load-sources.ts';
import type { LintSummary } from '../output/findings-text.ts';
import { suiteFindings } from '../testing/suite-findings.ts';
import { Workspace } from './workspace.ts';

export function lintSources(
  sources: readonly Source[],
  crypto: CryptoProvider,
): { findings: Finding[]; summary: LintSummary } {
  const state = new Workspace().read(sources);
  const encoder = new TextEncoder();
  const compilation = compile(state.resources, { digest: (text) => toHex(crypto.sha256(encoder.encode(text))) });
  const findings = [
    ...state.findings,
    ...state.suites.flatMap(suiteFindings),
    ...compilation.findings.filter((finding) => !followsFrom(finding, state.invalid)),
  ];
  const skipped = findings.filter(({ code }) => code === 'AEGIS_RESOURCE_FOREIGN').length;
  const resources = state.resources.length + state.suites.length + state.invalid.size;
  if (resources === 0 && !findings.some(({ severity }) => severity === 'error')) findings.push(nothingFound(sources));
  const count = (severity: Finding['severity']): number => findings.filter((each) => each.severity === severity).length;
  return {
    findings: findings.sort(byPlace),
    summary: { errors: count('error'), warnings: count('warning'), files: sources.length, resources, skipped },
  };
}

/** A folder without policies is more likely a mistyped path than a wish. */
function nothingFound(sources: readonly Source[]): Finding {
  const read = sources.length === 0 ? 'No file was read' : 'The files that were read hold no resource of aegis.dev';
  return { code: 'AEGIS_NO_RESOURCES', severity: 'error', message: `${read}, so nothing was checked.` };
}

const MISSING: ReadonlyMap<Finding['code'], string> = new Map([
  ['AEGIS_UNKNOWN_TOOL', 'AgentTool'],
  ['AEGIS_UNKNOWN_AGENT', 'AgentRegistration'],
  ['AEGIS_UNREGISTERED_CALLER', 'AgentRegistration'],
]);

/** That a resource with an error of its own is not found by others is no second mistake. */
function followsFrom({ code, message }: Finding, invalid: ReadonlySet<string>): boolean {
  const kind = MISSING.get(code);
  if (kind === undefined) return false;
  return [...invalid].some((key) => key.startsWith(`${kind} `) && message.includes(`"${key.split('/').at(-1)}"`));
}

function byPlace(a: Finding, b: Finding): number {
  const [left, right] = [a.location, b.location];
  if (left === undefined || right === undefined) return Number(left !== undefined) - Number(right !== undefined);
  if (left.file !== right.file) return left.file < right.file ? -1 : 1;
  return left.line - right.line || left.column - right.column || (a.message < b.message ? -1 : 1);
}
