/** Everything that is wrong with sources, sorted by place: as single resources, as test suites, and taken together. */
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import { toHex } from '../../policy/bundle/encoding.ts';
import { compile } from '../../policy/compiler/compile.ts';
import type { Finding } from '../../policy/errors.ts';
import type { LoadedResource, Resource } from '../../policy/resources/resource.ts';
import { loadSource } from '../../policy/source/load-json.ts';
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
  const refused = refusedNames(sources, state.invalid);
  const found = [
    ...state.findings,
    ...state.suites.flatMap(suiteFindings),
    ...compilation.findings.filter((finding) => !followsFrom(finding, refused)),
  ];
  const skipped = found.filter(({ code }) => code === 'AEGIS_RESOURCE_FOREIGN').length;
  const resources = state.resources.length + state.suites.length + state.invalid.size;
  if (resources === 0 && !found.some(({ severity }) => severity === 'error')) found.push(nothingFound(sources));
  const count = (severity: Finding['severity']): number => found.filter((each) => each.severity === severity).length;
  return {
    findings: found.sort(byPlace),
    summary: { errors: count('error'), warnings: count('warning'), files: sources.length, resources, skipped },
  };
}

/** A folder without policies is more likely a mistyped path than a wish. */
function nothingFound(sources: readonly Source[]): Finding {
  const files = sources.length === 1 ? '1 file' : `${sources.length} files`;
  const message = `There is no resource of aegis.dev in ${sources.length === 0 ? 'any file' : files} that was read.`;
  return { code: 'AEGIS_NO_RESOURCES', severity: 'error', message };
}

/** Ids of tools and agents whose resources are invalid: that others do not find them is no mistake of theirs. */
function refusedNames(sources: readonly Source[], invalid: ReadonlySet<string>): ReadonlySet<string> {
  const names = new Set<string>();
  if (invalid.size === 0) return names;
  const loaded = sources.flatMap(({ text, file }) => loadSource(text, file).resources);
  for (const resource of loaded) if (invalid.has(keyOf(resource))) for (const name of namesOf(resource)) names.add(name);
  return names;
}
