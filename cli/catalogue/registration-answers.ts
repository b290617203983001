/** What a registration needs to be told: by options, or by asking whoever sits at the terminal. */
import { AegisError } from '../../policy/errors.ts';

export interface ToolAnswer {
  toolId: string;
  /** The only actions the agent may call; every action when absent. */
  actions?: string[];
}

export interface LimitAnswer {
  /** `rate` counts calls, `cost` adds up what the tools' actions are estimated to cost. */
  kind: 'rate' | 'cost';
  max: string;
  window: string;
}

export interface RegistrationAnswers {
  agent: string;
  owner: string;
  tools: ToolAnswer[];
  namespace?: string;
  /** Labels of the agent's pods. */
  selector: [key: string, value: string][];
  serviceAccount: string;
  purpose: string[];
  acceptsFrom: string[];
  maxDepth?: number;
  /** The agent may act on its own, without another agent calling it. */
  selfOrigin: boolean;
  limits: LimitAnswer[];
  /** YYYY-MM-DD */
  reviewBy: string;
}

/** As commander gives them; lists may repeat and hold commas. */
export interface RegistrationFlags {
  agent?: string;
  owner?: string;
  /** false for `--no-tools`. */
  tools?: string[] | false;
  actions?: string[];
  namespace?: string;
  selector?: string[];
  serviceAccount?: string;
  purpose?: string[];
  acceptsFrom?: string[];
  maxDepth?: number;
  selfOrigin?: boolean;
  budget?: string[];
  reviewBy?: string;
}

export interface AskDeps {
  /** Absent where nobody can be asked. */
  ask?: ((question: string) => Promise<string | undefined>) | undefined;
  /** Milliseconds since the epoch. */
  now: number;
}

/** How long a registration holds until somebody should look at it again, when nothing else is said. */
const REVIEW_DAYS = 180;

/** @throws AegisError AEGIS_ANSWER_MISSING, AEGIS_USAGE */
export async function collectAnswers(flags: RegistrationFlags, deps: AskDeps): Promise<RegistrationAnswers> {
  const agent = flags.agent ?? (await required('--agent', 'Id of the agent', deps));
  const owner = flags.owner ?? (await required('--owner', 'Who answers for it (e-mail address)', deps));
  const tools = splitList(
    flags.tools === false ? [] : (flags.tools ?? [await required('--tools', 'Tools it may use (ids, or none)', deps)]),
  ).filter((id) => id !== 'none');
  const acceptsFrom = await list(flags.acceptsFrom, 'Agents that may call it', flags, deps);
  const purpose = await list(flags.purpose, 'Purposes it works for', flags, deps);
  return {
    agent,
    owner,
    tools: withActions(tools, flags.actions ?? []),
    ...(flags.namespace !== undefined && { namespace: flags.namespace }),
    selector: await selector(flags, agent, deps),
    serviceAccount: flags.serviceAccount ?? (await optional('ServiceAccount of its pods', agent, flags, deps)),
    purpose,
    acceptsFrom,
    ...(flags.maxDepth !== undefined && { maxDepth: flags.maxDepth }),
    selfOrigin: flags.selfOrigin ?? acceptsFrom.length === 0,
    limits: splitList(flags.budget ?? []).map(parseLimit),
    reviewBy: flags.reviewBy ?? new Date(deps.now + REVIEW_DAYS * 86_400_000).toISOString().slice(0, 10),
  };
}

/** Only somebody who already has to answer something is asked what has a default. */
function interactive(flags: RegistrationFlags, { ask }: AskDeps): boolean {
  return ask !== undefined && (flags.agent === undefined || flags.owner === undefined || flags.tools === undefined);
}

async function required(option: string, question: string, { ask }: AskDeps): Promise<string> {
  for (let tries = 0; tries < 3; tries += 1) {
    const line = await ask?.(`${question}: `);
    if (line === undefined) break;
    if (line.trim() !== '') return line.trim();
  }
  throw new AegisError('AEGIS_ANSWER_MISSING', `The registration needs ${option}.`);
}

async function optional(question: string, fallback: string, flags: RegistrationFlags, deps: AskDeps): Promise<string> {
  if (!interactive(flags, deps)) return fallback;
  const line = await deps.ask?.(`${question}${fallback === '' ? ' (nothing: none)' : ` (nothing: ${fallback})`}: `);
  return line === undefined || line.trim() === '' ? fallback : line.trim();
}

async function list(
  given: string[] | undefined,
  question: string,
  flags: RegistrationFlags,
  deps: AskDeps,
): Promise<string[]> {
  return splitList(given ?? [await optional(question, '', flags, deps)]);
}

async function selector(flags: RegistrationFlags, agent: string, deps: AskDeps): Promise<[string, string][]> {
  const given = flags.selector ?? [await optional('Labels of its pods', `app=${agent}`, flags, deps)];
  return splitList(given).map((pair) => {
    const split = pair.indexOf('=');
    if (split < 1) throw new AegisError('AEGIS_USAGE', '--selector takes LABEL=VALUE, for example app=finance-agent.');
    return [pair.slice(0, split), pair.slice(split + 1)];
  });
}

export function splitList(texts: readonly string[]): string[] {
  const parts = texts.flatMap((text) => text.split(/[,\s]+/)).filter((part) => part !== '');
  return [...new Set(parts)];
}

/** `--actions stripe=get_payment,list_payments` narrows one of the tools. */
function withActions(tools: readonly string[], pairs: readonly string[]): ToolAnswer[] {
  const narrowed = new Map<string, string[]>();
  for (const pair of pairs) {
    const split = pair.indexOf('=');
    const toolId = pair.slice(0, Math.max(split, 0));
    const actions = splitList([pair.slice(split + 1)]);
    if (split < 1 || actions.length === 0) {
      throw new AegisError('AEGIS_USAGE', '--actions takes TOOL=ACTION,ACTION, for example stripe=get_payment.');
    }
    if (!tools.includes(toolId))
      throw new AegisError('AEGIS_USAGE', `--actions names ${toolId}, but --tools does not.`);
    narrowed.set(toolId, [...(narrowed.get(toolId) ?? []), ...actions]);
  }
  return tools.map((toolId) => {
    const actions = narrowed.get(toolId);
    return actions === undefined ? { toolId } : { toolId, actions: [...new Set(actions)] };
  });
}

const LIMIT = /^(cost=)?([0-9]{1,15}(?:\.[0-9]{1,9})?)\/([0-9]{1,6}[smhd]|hour|day|week|month)$/;

/** `500/hour`: calls; `cost=25.50/24h`: estimated cost. */
function parseLimit(text: string): LimitAnswer {
  const [, cost, max, window] = LIMIT.exec(text) ?? [];
  if (max === undefined || window === undefined || (cost === undefined && max.includes('.'))) {
    throw new AegisError('AEGIS_USAGE', '--budget takes CALLS/WINDOW or cost=SUM/WINDOW: 500/hour, cost=25.50/24h.');
  }
  return { kind: cost === undefined ? 'rate' : 'cost', max, window };
}
