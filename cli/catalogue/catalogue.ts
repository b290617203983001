/** The catalogue of ready mappings: which tools there are, and what each one offers. */
import { AegisError } from '../../policy/errors.ts';
import type { LoadedResource } from '../../policy/resources/resource.ts';
import type { AgentTool, ToolAction } from '../../policy/resources/types.generated.ts';
import { loadSources } from '../../policy/source/load-sources.ts';
import { suggestName } from '../../policy/validation/suggest-name.ts';
import type { CatalogueFiles } from './catalogue-files.ts';

export interface CatalogueEntry {
  name: string;
  /** One line on what the tool is. */
  summary: string;
  tool: AgentTool;
  /** The AgentTool, a policy to start from, a registration for its tests, and the tests, as the catalogue has them. */
  texts: Record<EntryFile, string>;
}

export type EntryFile = 'tool' | 'policy' | 'registration' | 'tests.suite';

const FILES: readonly EntryFile[] = ['tool', 'policy', 'registration', 'tests.suite'];

/** The agent that policies and tests of the catalogue speak of. */
export const EXAMPLE_AGENT = 'example-agent';

/** @throws AegisError AEGIS_CATALOGUE_BROKEN */
export function readEntries(files: CatalogueFiles): CatalogueEntry[] {
  const names = [...new Set(Object.keys(files).map((path) => path.split('/', 1)[0] as string))].sort();
  return names.map((name) => readEntry(files, name));
}

/** @throws AegisError AEGIS_CATALOGUE_UNKNOWN with the name that was probably meant */
export function findEntry(files: CatalogueFiles, name: string): CatalogueEntry {
  const entries = readEntries(files);
  const found = entries.find((entry) => entry.name === name);
  if (found !== undefined) return found;
  const names = entries.map((entry) => entry.name);
  const meant = suggestName(name, names);
  const hint = meant === undefined ? `It has: ${names.join(', ')}.` : `Did you mean ${meant}?`;
  throw new AegisError('AEGIS_CATALOGUE_UNKNOWN', `The catalogue has no "${name.slice(0, 63)}". ${hint}`);
}

function readEntry(files: CatalogueFiles, name: string): CatalogueEntry {
  const text = (file: EntryFile): string => files[`${name}/${file}.yaml`] ?? broken(name, `${file}.yaml is missing`);
  const texts = Object.fromEntries(FILES.map((file) => [file, text(file)])) as Record<EntryFile, string>;
  const { resources, findings } = loadSources([{ file: `${name}/tool.yaml`, text: texts.tool }]);
  const [resource] = resources as LoadedResource<AgentTool>[];
  if (resource === undefined) broken(name, findings[0]?.message ?? 'tool.yaml holds no AgentTool');
  const tool = resource.object;
  return { name, summary: (tool.spec.description ?? '').split('\n', 1)[0] as string, tool, texts };
}

function broken(name: string, problem: string): never {
  throw new AegisError('AEGIS_CATALOGUE_BROKEN', `config/tools/${name}: ${problem}.`);
}

const RISKS = ['low', 'medium', 'high', 'critical'];

/** The risk of an action as policies see it: the higher of its own and the tool's. */
export function riskOf(tool: AgentTool, action: ToolAction): string {
  const ranks = [tool.spec.riskTier ?? 'medium', action.riskTier ?? 'low'].map((tier) => RISKS.indexOf(tier));
  return RISKS[Math.max(...ranks)] as string;
}

/** Hosts by which traffic to the tool is recognised, that of its URL first. */
export function hostsOf({ spec: { upstream } }: AgentTool): string[] {
  const own = upstream.url !== undefined && URL.canParse(upstream.url) ? [new URL(upstream.url).hostname] : [];
  return [...new Set([...own, ...(upstream.hosts ?? [])])];
}

/** True where the catalogue cannot know the address: the entry has an example's (RFC 2606), which must be replaced. */
export function needsAddress(tool: AgentTool): boolean {
  return hostsOf(tool).some((host) => host === 'example.com' || host.endsWith('.example.com'));
}
